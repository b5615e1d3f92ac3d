"""Decodes the JSON that servers send, with the slips that a reader can see through."""

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import cast

import msgspec

Fields = Mapping[str, object]

NO_FIELDS: Fields = MappingProxyType({})
_NULL_KEY = re.compile(r'"(\w+)": ?null')
MAX_NULL_KEYS = 20
"""Keys that are looked for; a body with more takes the slower way at once, so that looking stays linear."""


class MalformedBody(ValueError):
    """Not JSON, or nested too deeply to be read."""


def decode_value(body: str) -> object:
    """Decode a JSON value. Of a key that is there twice the last value that is not null counts. Raises `MalformedBody`."""
    if not _may_hide_a_value(body):
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            pass
    try:  # takes half a character, which some servers send when they split one, and raw line breaks inside a text
        return json.loads(body, strict=False, object_pairs_hook=_last_that_is_not_null)
    except (ValueError, RecursionError):
        raise MalformedBody from None


def decode_body(body: str) -> Fields:
    """Decode a JSON object. Raises `MalformedBody`."""
    return fields_of(decode_value(body))


def fields_of(value: object) -> Fields:
    """The fields of an object; nothing of anything else."""
    return cast(Fields, value) if isinstance(value, dict) else {}


def objects_in(value: object) -> list[Fields]:
    """The objects of a list, or the object itself."""
    values = cast(list[object], value) if isinstance(value, list) else [value]
    return [fields for one in values if (fields := fields_of(one))]


def _may_hide_a_value(body: str) -> bool:
    """Whether a key that is null somewhere is there several times, perhaps in one object."""
    if "null" not in body:
        return False
    nulls = set(_NULL_KEY.findall(body))
    return len(nulls) > MAX_NULL_KEYS or any(body.count(f'"{name}"') > 1 for name in nulls)


def _last_that_is_not_null(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    given = dict(pairs)
    if len(given) < len(pairs):
        given |= {name: value for name, value in pairs if value is not None}
    return given
