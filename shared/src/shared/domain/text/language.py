"""The languages that we write ourselves: API messages, and the rules that look at words."""

from enum import StrEnum

from shared.domain.text.language_tag import primary_language


class Language(StrEnum):
    FR = "fr"
    EN = "en"


def rules_language(tag: str) -> Language | None:
    """The language whose word rules fit a language tag; None where there are none."""
    primary = primary_language(tag)
    return next((language for language in Language if language == primary), None)
