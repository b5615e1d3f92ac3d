"""The languages of study material."""

from enum import StrEnum


class Language(StrEnum):
    FR = "fr"
    EN = "en"
