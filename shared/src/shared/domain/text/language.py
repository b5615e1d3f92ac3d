"""The languages that material can be made in."""

from enum import StrEnum


class Language(StrEnum):
    FR = "fr"
    EN = "en"
