"""Which changes of an OpenAPI document break a client that was written for the earlier one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

Document = Mapping[str, Any]
Schema = Mapping[str, Any]


_JSON_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "anything"})


class Field(Struct, frozen=True):
    """One field of a body, with everything it may hold."""

    types: frozenset[str]
    is_required: bool


def breaking_changes(before: Document, after: Document) -> list[str]:
    """One sentence for each thing that a client of `before` may rely on and `after` does not offer."""
    return [
        f"{method.upper()} {path}: {change}"
        for path, method, old in _operations(before)
        for change in _operation_changes(before, old, after, after["paths"].get(path, {}).get(method))
    ]


def _operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _operation_changes(
    before: Document, old: Mapping[str, Any], after: Document, new: Mapping[str, Any] | None
) -> Iterator[str]:
    if new is None:
        yield "it was removed"
        return
    yield from _parameter_changes(old, new)
    yield from _body_changes(before, old, after, new)
    for status, response in old["responses"].items():
        if status not in new["responses"]:
            yield f"the response {status} was removed"
            continue
        contents = response.get("content", {}), new["responses"][status].get("content", {})
        yield from _content_changes(
            before, contents[0], after, contents[1], f"response {status}", _response_changes
        )


def _parameter_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    known, offered = _parameters(old), _parameters(new)
    for name in known.keys() - offered.keys():
        yield f"the parameter {name} was removed"
    for name, is_required in offered.items():
        if is_required and not known.get(name, False):
            yield f"the parameter {name} became required"


def _parameters(operation: Mapping[str, Any]) -> dict[str, bool]:
    listed = operation.get("parameters", [])
    return {f"{one['in']}:{one['name'].lower()}": one.get("required", False) for one in listed}


def _body_changes(
    before: Document, old: Mapping[str, Any], after: Document, new: Mapping[str, Any]
) -> Iterator[str]:
    if new.get("requestBody", {}).get("required") and not old.get("requestBody", {}).get("required"):
        yield "a request body became required"
    contents = old.get("requestBody", {}).get("content", {}), new.get("requestBody", {}).get("content", {})
    yield from _content_changes(before, contents[0], after, contents[1], "request", _request_changes)


FieldChanges = Callable[[Mapping[str, Field], Mapping[str, Field]], Iterator[str]]


def _content_changes(
    before: Document,
    old: Mapping[str, Any],
    after: Document,
    new: Mapping[str, Any],
    place: str,
    changes: FieldChanges,
) -> Iterator[str]:
    for media_type, content in old.items():
        if media_type not in new:
            yield f"{place}: {media_type} was removed"
            continue
        known = dict(_fields(before, content.get("schema", {})))
        offered = dict(_fields(after, new[media_type].get("schema", {})))
        yield from (f"{place}: {change}" for change in changes(known, offered))


def _response_changes(known: Mapping[str, Field], offered: Mapping[str, Field]) -> Iterator[str]:
    for name, field in known.items():
        if name not in offered:
            yield f"the field {name} was removed"
        elif field.is_required and not offered[name].is_required:
            yield f"the field {name} may be missing now"
        elif not offered[name].types <= field.types:
            yield f"the field {name} may be {_listed(offered[name].types - field.types)} now"


def _request_changes(known: Mapping[str, Field], offered: Mapping[str, Field]) -> Iterator[str]:
    for name, field in known.items():
        if name not in offered:
            yield f"the field {name} is not accepted any more"
        elif not field.types <= _with_texts(field, offered[name]):
            yield f"the field {name} may not be {_listed(field.types - offered[name].types)} any more"
    for name, field in offered.items():
        if field.is_required and not (name in known and known[name].is_required):
            yield f"the field {name} became required"


def _with_texts(known: Field, offered: Field) -> frozenset[str]:
    """What a field may hold. One that takes any text takes the texts that were listed before."""
    is_text = "string" in offered.types
    return offered.types | known.types - _JSON_TYPES if is_text else offered.types


def _listed(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))


def _fields(
    document: Document, schema: Schema, prefix: str = "", inside: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Field]]:
    """Every field of a body by its path, such as `data[].title`. A schema inside itself is not opened again."""
    for variant in _variants(document, schema, inside):
        known = inside | {variant["$from"]} if "$from" in variant else inside
        if "items" in variant:
            yield from _fields(document, variant["items"], f"{prefix}[]", known)
        for name, inner in variant.get("properties", {}).items():
            path = f"{prefix}.{name}" if prefix else name
            yield path, Field(_types(document, inner, known), name in variant.get("required", ()))
            yield from _fields(document, inner, path, known)


def _types(document: Document, schema: Schema, inside: frozenset[str]) -> frozenset[str]:
    return frozenset(
        str(one) for variant in _variants(document, schema, inside) for one in _types_of(variant)
    )


def _types_of(variant: Schema) -> Sequence[object]:
    if "const" in variant:
        return [variant["const"]]
    if "enum" in variant:
        return list(variant["enum"])
    stated: str | list[str] = variant.get("type", "object" if "properties" in variant else "anything")
    return [stated] if isinstance(stated, str) else stated


def _variants(document: Document, schema: Schema, inside: frozenset[str]) -> Iterator[Schema]:
    """The alternatives of a schema, references resolved."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        if name not in inside:
            for variant in _variants(document, document["components"]["schemas"][name], inside):
                yield {"$from": name, **variant}
        return
    alternatives = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if not alternatives:
        yield schema
        return
    for alternative in alternatives:
        yield from _variants(document, alternative, inside)
