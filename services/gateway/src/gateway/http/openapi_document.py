"""The OpenAPI 3.1 document: what FastAPI knows of the routes, with schemas of the msgspec types."""

from collections.abc import Iterator

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.http.openapi import SCHEMA_TYPES, Document, header

TAGS = ("jobs", "collections", "chat", "usage", "health")
REFERENCE = "#/components/schemas/{name}"
ACCEPT_LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "Language of the messages: `fr` or `en`.",
    "schema": {"type": "string"},
    "example": "fr",
}
REQUEST_ID = header("Id of this request: yours, when you sent a valid one.")
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "A signed token (JWT) or an API key (`etk_…`).",
}


def describe_api(app: FastAPI) -> Document:
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description="Text in, study material out.",
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": "/"}],
        tags=[{"name": name} for name in TAGS],
        routes=app.routes,
    )
    for _, _, operation in operations(document):
        _complete(operation)
    _, schemas = msgspec.json.schema_components(list(SCHEMA_TYPES.values()), ref_template=REFERENCE)
    document["security"] = [{"bearer": []}]
    document["components"] = {"schemas": schemas, "securitySchemes": {"bearer": BEARER}}
    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Method, path and operation of every route."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _complete(operation: Document) -> None:
    """Add what every operation has. FastAPI's own 422 goes: it would describe bodies that are never sent."""
    operation["responses"] = {
        status: response
        for status, response in operation["responses"].items()
        if "HTTPValidationError" not in str(response)
    }
    operation.setdefault("parameters", []).append(ACCEPT_LANGUAGE)
    for response in operation["responses"].values():
        response.setdefault("headers", {})["X-Request-Id"] = REQUEST_ID
