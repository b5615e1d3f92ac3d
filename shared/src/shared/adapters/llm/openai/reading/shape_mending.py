"""Brings a decoded value into the shape of a schema: names of fields, texts, lists and numbers in other forms than asked for."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import cast

import msgspec
from msgspec import inspect

from shared.adapters.llm.openai.reading.lenient_json import UnreadableJson, parse_value
from shared.adapters.llm.openai.reading.number_mending import mend_numbers
from shared.adapters.llm.openai.reading.question_mending import mend_question
from shared.domain.study.material import CardDraft, QuestionDraft

Fields = dict[str, object]

TEXT_NAMES = ("text", "content", "value")
"""Names under which a model wraps a text in an object."""
_NO_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=64)
def type_of(schema: type) -> inspect.Type:
    return cast(Callable[[type], inspect.Type], inspect.type_info)(schema)


def rename_fields(value: object, schema: type) -> object:
    """The value with the schema's names for keys that differ from them in case, blanks, dashes or underscores alone."""
    return _rename(value, _names_of(schema))


def mend(value: object, wanted: inspect.Type, *, keep_partial: bool) -> object:
    """The value in the wanted shape as far as it can be read. With `keep_partial` lists lose the items that cannot."""
    match wanted:
        case inspect.ListType() | inspect.StructType() if isinstance(value, str) and holds_json(value):
            return mend(parse_inner(value), wanted, keep_partial=keep_partial)
        case inspect.StrType():
            return _to_text(value)
        case inspect.UnionType(types=(one, inspect.NoneType())):
            return None if value is None else mend(value, one, keep_partial=keep_partial)
        case inspect.IntType() if isinstance(value, float) and value.is_integer():
            return int(value)
        case inspect.ListType(item_type=item_type):
            mended = [
                mend(item, item_type, keep_partial=keep_partial) for item in _to_items(value, item_type)
            ]
            return [item for item in mended if _fits(item, item_type)] if keep_partial else mended
        case inspect.StructType(cls=cls, fields=fields) if isinstance(value, dict):
            given = cast(Fields, value)
            given = mend_question(given) if cls is QuestionDraft else given
            given = mend_numbers(given) if cls in (CardDraft, QuestionDraft) else given
            types = {field.encode_name: field.type for field in fields}
            return {
                name: mend(part, types[name], keep_partial=keep_partial)
                for name, part in given.items()
                if name in types
            }
        case _:
            return value


def holds_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def parse_inner(text: str) -> object:
    """A value that was encoded as text inside another one; nothing if it is none."""
    try:
        return parse_value(text, len(text) - len(text.lstrip()))[0]
    except UnreadableJson:
        return None


def _rename(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, list):
        return [_rename(item, names) for item in cast(list[object], value)]
    if not isinstance(value, dict):
        return value
    fields = cast(Fields, value)
    renamed = {_new_name(key, fields, names): _rename(part, names) for key, part in fields.items()}
    return cast(object, renamed)


def _new_name(key: str, fields: Fields, names: Mapping[str, str]) -> str:
    name = names.get(_plain(key), key)
    return key if name in fields else name


def _plain(name: str) -> str:
    return _NO_WORD.sub("", name).lower()


@lru_cache(maxsize=64)
def _names_of(schema: type) -> Mapping[str, str]:
    return {_plain(name): name for name in _all_names(type_of(schema))}


def _all_names(wanted: inspect.Type) -> Iterator[str]:
    if isinstance(wanted, inspect.ListType):
        yield from _all_names(wanted.item_type)
    for field in wanted.fields if isinstance(wanted, inspect.StructType) else ():
        yield field.encode_name
        yield from _all_names(field.type)


def _to_text(value: object) -> object:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case dict():
            fields = cast(Fields, value)
            return next((fields[name] for name in TEXT_NAMES if isinstance(fields.get(name), str)), fields)
        case _:
            return value


def _to_items(value: object, item_type: inspect.Type) -> list[object]:
    """The items of a list; of an object that numbers them; or the value as the only one."""
    if isinstance(value, list):
        return cast(list[object], value)
    values = list(cast(Fields, value).values()) if isinstance(value, dict) else []
    is_text = isinstance(item_type, inspect.StrType)
    if values and all(isinstance(item, str if is_text else dict) for item in values):
        return values
    return [value]


def _fits(value: object, wanted: inspect.Type) -> bool:
    if not isinstance(wanted, inspect.StructType):
        return value is not None
    try:
        msgspec.convert(value, type=wanted.cls, strict=False)
    except msgspec.ValidationError:
        return False
    return True
