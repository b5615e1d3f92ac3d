"""Reads a value of a schema out of what a model wrote: alone, in a fence, after thinking, between sentences, or with small slips.

A text that is exact JSON of the schema takes one pass of msgspec; the rest runs only for other texts. All of it is linear.
"""

import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Generic, TypeVar, cast

import msgspec
from msgspec import inspect

from shared.adapters.llm.openai.reading.lenient_json import TooDeep, UnreadableJson, parse_value
from shared.adapters.llm.openai.reading.shape_mending import (
    holds_json,
    mend,
    parse_inner,
    rename_fields,
    type_of,
)
from shared.adapters.llm.openai.reading.thinking import without_thinking

T = TypeVar("T")

MAX_TEXT_CHARACTERS = 400_000
"""Length that is read: the longest completion that is asked for, some 60,000 characters, after six times as much thinking."""
MAX_PASSES = 4
"""How often the length of the text may be read in search of a value, so that a text made of brackets costs no more."""
MAX_WRAPPINGS = 3
"""Objects around the value that are looked through."""
MAX_VALUES = 200
"""Values that are tried, such as footnote marks in brackets before the one that is meant."""

_ESCAPED = re.compile(r'\\(["\\/nrt])')
_UNESCAPED = {'"': '"', "\\": "\\", "/": "/", "n": "\n", "r": "\r", "t": "\t"}

Fields = dict[str, object]
Lists = dict[str, set[str]]
"""The names of lists of items, with the names of the fields of their items."""


class UnreadableText(ValueError):
    """The text holds no value of the schema. The message names a field or a type, and never repeats the text."""


def read_value(text: str, schema: type[T], *, keep_partial: bool = False) -> T:
    """Read the value. With `keep_partial` a list keeps its readable items when others are not; without, one bad item makes the
    whole unreadable, so that the model can be asked again. Raises `UnreadableText`."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise UnreadableText("it is too long")
    text = _without_nul(text)
    try:
        return msgspec.json.decode(text, type=schema)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        pass
    if inner := _json_string(text):
        return _read_string(inner, schema, keep_partial=keep_partial)
    reader = _Reader(schema, keep_partial=keep_partial)
    for part in _parts(text):
        if (value := reader.read(part)) is not None:
            return value
    raise UnreadableText(reader.reason or "it holds no JSON")


def _read_string(inner: str, schema: type[T], *, keep_partial: bool) -> T:
    """Read the text of a lone JSON string: JSON that was encoded twice, or the only field of the schema."""
    try:
        return read_value(inner, schema, keep_partial=keep_partial)
    except UnreadableText:
        if not (text_field := _text_field(schema)):
            raise
        return msgspec.convert({text_field: inner}, type=schema)


def _without_nul(text: str) -> str:
    """The text with U+FFFD for each NUL, which Postgres does not store, written as such or escaped."""
    return text.replace("\x00", "\ufffd").replace("\\u0000", "\\ufffd")


def _parts(text: str) -> Iterator[str]:
    """Where the value may stand: behind the thinking, in the whole text, and in the text with its escapes undone."""
    reply = without_thinking(text)
    yield reply
    if reply != text:
        yield text
    if "&quot;" in reply or "&#34;" in reply:
        yield html.unescape(reply)
    if '\\"' in reply:
        yield _ESCAPED.sub(lambda escape: _UNESCAPED[escape[1]], reply)


class _Reader(Generic[T]):
    """Reads values of one schema."""

    def __init__(self, schema: type[T], *, keep_partial: bool) -> None:
        self.reason = ""
        """Why the first value could not be read."""
        self._schema = schema
        self._keep_partial = keep_partial

    def read(self, text: str) -> T | None:
        """The value in the text. The items of several lists are joined, because a model may spread a list over several values;
        of other values the longest is taken, because a model may write an example or an empty value before."""
        found = list(islice(_values(text), MAX_VALUES))
        if lists := _list_fields(self._schema):
            return self._join(lists, [value for _, value in found])
        longest_first = sorted(found, key=lambda one: one[0], reverse=True)
        return next(filter(None, (self._convert(value) for _, value in longest_first)), None)

    def _join(self, lists: Lists, values: Iterable[object]) -> T | None:
        read = [value for value in map(self._convert, values) if value is not None]
        joined = {
            name: {msgspec.json.encode(item): item for value in read for item in getattr(value, name)}
            for name in lists
        }
        return (
            self._schema(**{name: list(items.values()) for name, items in joined.items()}) if read else None
        )

    def _convert(self, value: object) -> T | None:
        for reading in _readings(rename_fields(value, self._schema), self._schema):
            try:
                return _convert(reading, self._schema, keep_partial=self._keep_partial)
            except msgspec.ValidationError as error:
                self.reason = self.reason or str(error)
        return None


def _values(text: str) -> Iterator[tuple[int, object]]:
    """Each object or array with its length in characters."""
    position, work = 0, MAX_PASSES * len(text)
    while work > 0 and (start := _next_bracket(text, position)) >= 0:
        try:
            value, position = parse_value(text, start)
            work -= position - start
            yield position - start, value
        except UnreadableJson as error:
            position = error.position if isinstance(error, TooDeep) else start + 1
            work -= error.position - start + 1


def _next_bracket(text: str, position: int) -> int:
    found = [at for at in (text.find("{", position), text.find("[", position)) if at >= 0]
    return min(found, default=-1)


def _readings(value: object, schema: type, depth: int = MAX_WRAPPINGS) -> Iterator[object]:
    """The value as it stands, then as what it may stand for: the list without its object, one item without its list, a list left
    out or under another name, and what stands within other keys."""
    yield value
    lists = _list_fields(schema)
    if isinstance(value, str) and holds_json(value):
        yield from _readings(parse_inner(value), schema, depth)
    elif isinstance(value, list):
        items = cast(list[object], value)
        if len(items) == 1:
            yield items[0]
        if lists:
            yield _sort_items(items, lists)
    elif isinstance(value, dict):
        fields = cast(Fields, value)
        if lists:
            yield _sort_items(_items_in(fields, lists), lists)
        if depth and not (lists and _numbers_items(fields)):
            for part in fields.values():
                if part and isinstance(part, dict | list | str):
                    yield from _readings(cast(object, part), schema, depth - 1)


def _numbers_items(fields: Fields) -> bool:
    """Whether the object stands for a list, such as `{"1": {…}, "2": {…}}`."""
    return len(fields) > 1 and all(isinstance(part, dict) for part in fields.values())


def _items_in(fields: Fields, lists: Lists) -> list[object]:
    """The items of an object around lists, or the object itself, if it is an item."""
    found = [*_lists_of(fields), *_inner_lists(fields)]
    if _numbers_items(fields):
        return list(fields.values())
    is_item = any(names <= set(fields) for names in lists.values())
    if is_item or not found or len(found) > len(lists):
        return [fields]
    return [item for items in found for item in items]


def _lists_of(fields: Fields) -> list[list[object]]:
    return [cast(list[object], one) for one in fields.values() if isinstance(one, list)]


def _inner_lists(fields: Fields) -> Iterator[list[object]]:
    """Lists of objects one level below, such as `{"quiz": {"questions": […]}}` beside a list of cards."""
    for part in fields.values():
        if isinstance(part, dict):
            yield from (one for one in _lists_of(cast(Fields, part)) if one and isinstance(one[0], dict))


def _sort_items(items: list[object], lists: Lists) -> Fields:
    """Each item in the list whose fields it has most of."""
    sorted_items: dict[str, list[object]] = {name: [] for name in lists}
    for item in items:
        given = set(cast(Fields, item) if isinstance(item, dict) else ())
        sorted_items[max(lists, key=lambda name: len(lists[name] & given))].append(cast(object, item))
    return dict(sorted_items)


def _convert(value: object, schema: type[T], *, keep_partial: bool) -> T:
    return msgspec.convert(mend(value, type_of(schema), keep_partial=keep_partial), type=schema, strict=False)


@lru_cache(maxsize=64)
def _list_fields(schema: type) -> Lists:
    """The names of the fields, if all are lists of objects, with the names that the objects of each must have."""
    wanted = type_of(schema)
    found: Lists = {}
    for field in wanted.fields if isinstance(wanted, inspect.StructType) else ():
        item = field.type.item_type if isinstance(field.type, inspect.ListType) else None
        if not isinstance(item, inspect.StructType):
            return {}
        found[field.encode_name] = {one.encode_name for one in item.fields if one.required}
    return found


def _text_field(schema: type) -> str:
    """The name of the only field, if it is text."""
    match type_of(schema):
        case inspect.StructType(fields=(field,)) if isinstance(field.type, inspect.StrType):
            return field.encode_name
        case _:
            return ""


def _json_string(text: str) -> str | None:
    """The text of a lone JSON string, with or without thinking before it."""
    try:
        return msgspec.json.decode(without_thinking(text).strip(), type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
