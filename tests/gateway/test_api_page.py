"""The page on the API lists every call, and states the real limits."""

import re

from tests.paths import ROOT

from gateway.app import create_api
from gateway.http.openapi_document import operations
from gateway.services import Parts, Services
from shared.runtime.http.request_body import JSON_BYTES, MAX_DEPTH

PAGE = (ROOT / "shared" / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_api_page_lists_every_route_and_no_other(parts: Parts):
    document = create_api(Services(parts)).openapi()
    calls = {f"{method} {path}" for method, path, _ in operations(document)}
    table = PAGE.split("## Authentication")[0]
    assert set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /\S+)`", table)) == calls


def test_the_numbers_of_the_api_page_are_those_of_the_code():
    assert f"{JSON_BYTES:,} bytes" in PAGE
    assert f"at most {MAX_DEPTH} levels deep" in PAGE
