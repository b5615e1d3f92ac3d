"""`/docs`: Swagger UI on the OpenAPI document, from files in a package, so that it needs no internet."""

import hashlib
import json
import re
from base64 import b64encode

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PATH, DOCUMENT_PATH = "/docs", "/openapi.json"
ASSETS = ("fastapi_swagger", "resources")
PARAMETERS = {"validatorUrl": None, "persistAuthorization": False}
"""Swagger UI would otherwise send the document's address to a validator on the internet."""


def add_docs(app: FastAPI) -> None:
    """Both are encoded once: anybody may ask for them, and encoding the document takes milliseconds."""
    document = Response(json.dumps(app.openapi()), media_type="application/json")
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{app.title} API",
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon-32x32.png",
        swagger_ui_parameters=PARAMETERS,
    )
    page.headers["Content-Security-Policy"] = _policy_for(bytes(page.body).decode())

    @app.get(DOCUMENT_PATH, include_in_schema=False)
    async def show_document() -> Response:
        return document

    @app.get(PATH, include_in_schema=False)
    async def show_docs() -> HTMLResponse:
        return page

    app.mount(f"{PATH}/assets", StaticFiles(packages=[ASSETS]), name="docs-assets")


def _policy_for(page: str) -> str:
    """Allows the page its own files, the script in it by its hash, and nothing of another origin."""
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
    )
