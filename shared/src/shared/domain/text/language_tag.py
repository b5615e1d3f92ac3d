"""Tags of the languages of study material, as BCP 47 (RFC 5646) writes them: `fr`, `pt-BR`, `zh-Hant`."""

from typing import Annotated

from msgspec import Meta

MAX_TAG_CHARACTERS = 35
"""The length that RFC 5646 asks every reader of tags to support, in characters."""

TAG_PATTERN = (
    r"^[A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}"  # language and its extensions; longer ones are reserved or unused
    r"(-[A-Za-z]{4})?"  # script
    r"(-([A-Za-z]{2}|[0-9]{3}))?"  # region
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"  # variants
    r"(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*"  # extensions
    r"(-[Xx](-[A-Za-z0-9]{1,8})+)?$(?!\n)"  # private use; Python's `$` would allow a newline after it
)

LanguageTag = Annotated[str, Meta(pattern=TAG_PATTERN, max_length=MAX_TAG_CHARACTERS)]
"""A well-formed tag of at most `MAX_TAG_CHARACTERS`. Of the tags that RFC 5646 keeps for history, and those of private use
alone, none is accepted: no model knows them."""

_RELATED = (
    *(
        frozenset({"no", "nb", "nn", "da"}),
        frozenset({"id", "ms", "jv"}),
        frozenset({"bs", "hr", "sr", "sl"}),
    ),
    *(
        frozenset({"cs", "sk"}),
        frozenset({"bg", "mk"}),
        frozenset({"hi", "mr", "ne"}),
        frozenset({"af", "nl"}),
    ),
    *(frozenset({"gl", "pt"}), frozenset({"gl", "es"}), frozenset({"ca", "oc"}), frozenset({"xh", "zu"})),
    *(frozenset({"fil", "tl"}), frozenset({"zh", "cmn", "yue", "wuu"}), frozenset({"fa", "pes", "prs"})),
    *(frozenset({"ar", "arb", "arz"}), frozenset({"he", "iw"})),
)
"""Languages so alike that a detector confuses them in a few sentences, and other names of one language."""


def canonical_tag(tag: str) -> str:
    """The tag in the case that RFC 5646 recommends: `zh-hant-tw` becomes `zh-Hant-TW`."""
    first, *rest = tag.split("-")
    parts = [first.lower()]
    for part in rest:
        follows_singleton = any(len(earlier) == 1 for earlier in parts)
        parts.append(part.lower() if follows_singleton else _subtag_case(part))
    return "-".join(parts)


def primary_language(tag: str) -> str:
    """The language subtag: `pt` of `pt-BR`."""
    return tag.partition("-")[0].lower()


def is_same_language(one: str, other: str) -> bool:
    """Whether two tags name the same language, or two that are too alike to be told apart."""
    pair = {primary_language(one), primary_language(other)}
    return len(pair) == 1 or any(pair <= related for related in _RELATED)


def _subtag_case(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()
