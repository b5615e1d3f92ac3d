"""Finds every validation error in a body, with a JSON Pointer to each.

msgspec stops at the first error, which is fast. This walks the body only after msgspec has refused it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import inspect

from shared.domain.errors import FieldProblem
from shared.domain.text.language_tag import TAG_PATTERN

_PATTERNS = {TAG_PATTERN: "language_tag"}
"""What a text that has to match a pattern is called in messages."""
MAX_ERRORS = 32
"""Most errors in one response; more would not help the client."""


def find_errors(kind: Any, value: object) -> list[FieldProblem]:
    """The first `MAX_ERRORS` places where plain JSON data differs from what `kind` describes."""
    return list(islice(_walk(inspect.type_info(kind), value, ""), MAX_ERRORS))


def find_nul(value: object, pointer: str = "") -> Iterator[FieldProblem]:
    """Find strings with a NUL character, which Postgres cannot store."""
    if isinstance(value, str) and "\0" in value:
        yield FieldProblem(pointer, "nul_character")
    elif isinstance(value, dict):
        for name, member in cast(dict[str, object], value).items():
            yield from find_nul(member, _join(pointer, name))
    elif isinstance(value, list):
        for index, member in enumerate(cast(list[object], value)):
            yield from find_nul(member, _join(pointer, index))


def _walk(kind: inspect.Type, value: object, pointer: str) -> Iterator[FieldProblem]:
    match kind:
        case inspect.StructType():
            yield from _walk_struct(kind, value, pointer)
        case inspect.ListType():
            yield from _walk_list(kind, value, pointer)
        case inspect.UnionType():
            yield from _walk_union(kind, value, pointer)
        case inspect.EnumType():
            yield from _walk_enum(kind, value, pointer)
        case inspect.StrType():
            yield from _walk_text(kind, value, pointer)
        case inspect.IntType():
            yield from _walk_integer(kind, value, pointer)
        case inspect.BoolType():
            if not isinstance(value, bool):
                yield FieldProblem(pointer, "wrong_type", {"expected": "boolean"})
        case inspect.UUIDType():
            yield from _walk_uuid(value, pointer)
        case _:
            return


def _walk_struct(kind: inspect.StructType, value: object, pointer: str) -> Iterator[FieldProblem]:
    if not isinstance(value, dict):
        yield FieldProblem(pointer, "wrong_type", {"expected": "object"})
        return
    members = cast(dict[str, object], value)
    fields = {field.encode_name: field for field in kind.fields}
    for name, field in fields.items():
        if name in members:
            yield from _walk(field.type, members[name], _join(pointer, name))
        elif field.required:
            yield FieldProblem(_join(pointer, name), "missing_field")
    for name in members:
        if name not in fields and kind.forbid_unknown_fields:
            yield FieldProblem(_join(pointer, name), "unknown_field")


def _walk_list(kind: inspect.ListType, value: object, pointer: str) -> Iterator[FieldProblem]:
    if not isinstance(value, list):
        yield FieldProblem(pointer, "wrong_type", {"expected": "list"})
        return
    members = cast(list[object], value)
    yield from _within(len(members), kind.min_length, kind.max_length, pointer)
    for index, member in enumerate(members):
        yield from _walk(kind.item_type, member, _join(pointer, index))


def _walk_union(kind: inspect.UnionType, value: object, pointer: str) -> Iterator[FieldProblem]:
    """The unions of our bodies are optional fields, null or one other type, and objects that a tag tells apart."""
    tagged = [member for member in kind.types if isinstance(member, inspect.StructType) and member.tag]
    if tagged:
        yield from _walk_tagged(tagged, value, pointer)
        return
    for member in kind.types:
        if isinstance(member, inspect.NoneType):
            if value is None:
                return
        else:
            yield from _walk(member, value, pointer)


def _walk_tagged(kinds: Sequence[inspect.StructType], value: object, pointer: str) -> Iterator[FieldProblem]:
    tag_field = str(kinds[0].tag_field)
    if not isinstance(value, dict):
        yield FieldProblem(pointer, "wrong_type", {"expected": "object"})
        return
    members = cast(dict[str, object], value)
    by_tag = {str(kind.tag): kind for kind in kinds}
    if tag_field not in members:
        yield FieldProblem(_join(pointer, tag_field), "missing_field")
    elif (kind := by_tag.get(str(members[tag_field]))) is None or members[tag_field] != kind.tag:
        yield FieldProblem(_join(pointer, tag_field), "wrong_value", {"expected": ", ".join(by_tag)})
    else:
        untagged = {name: member for name, member in members.items() if name != tag_field}
        yield from _walk_struct(kind, untagged, pointer)


def _walk_enum(kind: inspect.EnumType, value: object, pointer: str) -> Iterator[FieldProblem]:
    choices = [str(member.value) for member in kind.cls]
    if value not in choices:
        yield FieldProblem(pointer, "wrong_value", {"expected": ", ".join(choices)})


def _walk_text(kind: inspect.StrType, value: object, pointer: str) -> Iterator[FieldProblem]:
    if isinstance(value, str):
        yield from _within(len(value), kind.min_length, kind.max_length, pointer)
        if kind.pattern is not None and not re.search(kind.pattern, value):
            yield FieldProblem(pointer, "wrong_format", {"expected": _PATTERNS[kind.pattern]})
    else:
        yield FieldProblem(pointer, "wrong_type", {"expected": "text"})


def _walk_integer(kind: inspect.IntType, value: object, pointer: str) -> Iterator[FieldProblem]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield from _within(value, kind.ge, kind.le, pointer)
    else:
        yield FieldProblem(pointer, "wrong_type", {"expected": "integer"})


def _walk_uuid(value: object, pointer: str) -> Iterator[FieldProblem]:
    try:
        msgspec.convert(value, UUID)
    except msgspec.ValidationError:
        yield FieldProblem(pointer, "wrong_format", {"expected": "uuid"})


def _within(size: float, low: float | None, high: float | None, pointer: str) -> Iterator[FieldProblem]:
    if (low is not None and size < low) or (high is not None and size > high):
        yield FieldProblem(pointer, "out_of_range", {"expected": _bounds(low, high)})


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return f"≤ {high}"
    return f"≥ {low}" if high is None else f"{low}–{high}"


def _join(pointer: str, token: str | int) -> str:
    """Append a token to a JSON Pointer. RFC 6901 escapes `~` and `/` in it."""
    return f"{pointer}/{str(token).replace('~', '~0').replace('/', '~1')}"
