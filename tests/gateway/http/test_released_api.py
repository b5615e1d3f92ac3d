"""The API keeps what the last release promised: nothing that its clients use is removed, nothing new is required of them."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.gateway.desk import Desk
from tests.gateway.http.openapi_diff import breaking_changes
from tests.paths import ROOT

ANY_LANGUAGE = "language may be string now"
"""Material was in French or English, and a collection's field said so. It can be in any language since: a client that knows two
reads a tag that it does not know."""

ITEMS_KIND = "kind may be items now"
"""A job that adds items to a collection is met by clients that ask for it alone: lists leave it out unless they are told `kind=items`."""


def released() -> dict[str, Any]:
    """The description of the last release, whose file name carries its version."""
    newest = max((ROOT / "shared" / "docs").glob("openapi-*.json"), key=version_of)
    return msgspec.json.decode(newest.read_bytes())


def version_of(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.stem.removeprefix("openapi-").split("."))


async def test_nothing_is_broken_since_the_last_release(desk: Desk) -> None:
    served = (await desk.anonymous().get("/openapi.json")).json()
    found = breaking_changes(released(), served)
    assert [change for change in found if not change.endswith((ANY_LANGUAGE, ITEMS_KIND))] == []


def test_a_release_breaks_nothing_of_its_own() -> None:
    assert breaking_changes(released(), released()) == []


def remove_path(document: dict[str, Any]) -> None:
    del document["paths"]["/api/usage"]


def remove_response(document: dict[str, Any]) -> None:
    del document["paths"]["/api/usage"]["get"]["responses"]["200"]


def require_parameter(document: dict[str, Any]) -> None:
    for one in document["paths"]["/api/ai"]["post"]["parameters"]:
        one["required"] = True


def remove_response_field(document: dict[str, Any]) -> None:
    schema_of(document, "/api/ai/{id}", "get", "200")["properties"].pop("status")


def require_request_field(document: dict[str, Any]) -> None:
    body = request_schema(document, "/api/ai")
    body["properties"]["colour"] = {"type": "string"}
    body["required"] = [*body.get("required", ()), "colour"]


def remove_request_field(document: dict[str, Any]) -> None:
    request_schema(document, "/api/ai")["properties"].pop("options")


def schema_of(document: dict[str, Any], path: str, method: str, status: str) -> dict[str, Any]:
    response = document["paths"][path][method]["responses"][status]
    return resolve(document, response["content"]["application/json"]["schema"])


def request_schema(document: dict[str, Any], path: str) -> dict[str, Any]:
    content = document["paths"][path]["post"]["requestBody"]["content"]
    return resolve(document, content["application/json"]["schema"])


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            schema = schema["anyOf"][0]
        else:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (remove_path, "GET /api/usage: it was removed"),
        (remove_response, "GET /api/usage: the response 200 was removed"),
        (require_parameter, "the parameter header:idempotency-key became required"),
        (remove_response_field, "the field status was removed"),
        (require_request_field, "request: the field colour became required"),
        (remove_request_field, "request: the field options is not accepted any more"),
    ],
)
def test_a_breaking_change_is_found(change: Callable[[dict[str, Any]], None], found: str) -> None:
    changed = copy.deepcopy(released())
    change(changed)
    assert found in "\n".join(breaking_changes(released(), changed))


def test_an_addition_breaks_nothing() -> None:
    extended = copy.deepcopy(released())
    extended["paths"]["/api/new"] = extended["paths"]["/api/usage"]
    schema_of(extended, "/api/ai/{id}", "get", "200")["properties"]["colour"] = {"type": "string"}
    request_schema(extended, "/api/ai")["properties"]["colour"] = {"type": "string"}
    assert breaking_changes(released(), extended) == []
