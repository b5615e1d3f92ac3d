"""JSON schemas in the strict form of Structured Outputs: no references, every field required, no additional fields."""

from typing import Any, cast

import msgspec

_NUMBERS = {"type": "array", "items": {"type": "integer"}}
_DROPPED = frozenset({"title", "description", "default", "$defs"})


def strict_schema(kind: type[object]) -> dict[str, Any]:
    """The schema of a msgspec type, which must not be recursive. A value that fits the schema decodes into `kind`."""
    schema = msgspec.json.schema(kind)
    return cast(dict[str, Any], _strict(schema, schema.get("$defs", {})))


def _strict(node: object, definitions: dict[str, Any]) -> object:
    if isinstance(node, list):
        return [_strict(one, definitions) for one in cast(list[object], node)]
    if not isinstance(node, dict):
        return node
    fields = cast(dict[str, Any], node)
    if reference := fields.get("$ref"):
        return _strict(definitions[str(reference).rsplit("/", 1)[-1]], definitions)
    if fields.get("type") != "object":
        return {key: _strict(value, definitions) for key, value in fields.items() if key not in _DROPPED}
    properties = _asked_properties(cast(dict[str, Any], fields.get("properties", {})))
    return {
        "type": "object",
        "properties": {name: _strict(value, definitions) for name, value in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def _asked_properties(properties: dict[str, Any]) -> dict[str, Any]:
    """Drafts of items are asked for the numbers of what they quote, first of all, and not for the typed quote, which is read too."""
    if "numbers" not in properties:
        return properties
    others = {name: value for name, value in properties.items() if name not in ("numbers", "quote")}
    return {"numbers": _NUMBERS, **others}
