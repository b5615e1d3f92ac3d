"""What the provider is asked for is closed, complete, and decodes into our types."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from msgspec import Struct

from shared.adapters.llm.openai.json_schema import strict_schema
from shared.domain.generation.call_plan import SCHEMAS
from shared.domain.study.material import CardDraft, CardDrafts

DRAFTS = sorted(SCHEMAS.values(), key=lambda kind: kind.__name__)


def objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for one in node for found in objects(one)]  # pyright: ignore[reportUnknownVariableType] - JSON
    if not isinstance(node, dict):
        return []
    here = [node] if node.get("type") == "object" else []  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON
    return here + [found for value in node.values() for found in objects(value)]  # pyright: ignore[reportUnknownVariableType] - JSON


@pytest.mark.parametrize("kind", DRAFTS)
def test_every_object_is_closed_and_all_its_fields_are_required(kind: type[Struct]):
    found = objects(strict_schema(kind))

    assert found
    assert all(one["additionalProperties"] is False for one in found)
    assert all(one["required"] == list(one["properties"]) for one in found)


@pytest.mark.parametrize("kind", DRAFTS)
def test_nothing_refers_to_somewhere_else(kind: type[Struct]):
    assert b"$" not in msgspec.json.encode(strict_schema(kind))


class _Loose(Struct):
    """With what strict form has no place for."""

    name: str
    tags: list[str] = []
    parent: "CardDraft | None" = None


def test_a_field_with_a_default_is_required_too_and_its_default_is_not_sent():
    schema = strict_schema(_Loose)

    assert schema["required"] == ["name", "tags", "parent"]
    assert "default" not in schema["properties"]["tags"]


def test_what_fits_the_schema_decodes():
    value = CardDrafts([CardDraft("front", "back", numbers=[1])])

    assert jsonschema_rs.is_valid(strict_schema(CardDrafts), msgspec.to_builtins(value))
    assert not jsonschema_rs.is_valid(strict_schema(CardDrafts), {"cards": [{"front": "alone"}]})


def test_drafts_of_items_are_asked_for_numbers_before_all_else_and_for_no_quote():
    items = strict_schema(CardDrafts)["properties"]["cards"]["items"]

    assert items["required"] == list(items["properties"]) == ["numbers", "front", "back"]
