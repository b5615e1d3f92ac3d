"""`/docs` shows the OpenAPI document in a browser that reaches nothing but the gateway."""

import re

import pytest
from tests.gateway.desk import Desk


async def test_the_page_and_its_files_come_from_the_gateway(desk: Desk):
    anybody = desk.anonymous()
    page = await anybody.get("/docs")

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert len(addresses) == 3
    for address in addresses:
        assert (await anybody.get(f"/{address}")).status_code == 200
    assert "://" not in page.text


async def test_its_policy_allows_its_own_script_and_no_other_origin(desk: Desk):
    (policy,) = (await desk.anonymous().get("/docs")).headers.get_list("Content-Security-Policy")

    assert re.search(r"script-src 'self' 'sha256-[A-Za-z0-9+/]+=*';", policy)
    assert "connect-src 'self'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
    ],
)
async def test_every_file_has_its_media_type(desk: Desk, name: str, media_type: str):
    answer = await desk.anonymous().get(f"/docs/assets/{name}")
    assert answer.headers["Content-Type"] == media_type
