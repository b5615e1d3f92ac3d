"""The page about the API tells the truth."""

import re
from pathlib import Path

from gateway.app import Parts, describe, list_endpoints
from gateway.routes.health import HealthRoutes
from gateway.routes.usage import UsageRoutes
from shared.domain.error_messages import MESSAGES
from shared.runtime.http.problem_details import status_of
from shared.runtime.http.request_body import JSON_BYTES, MAX_DEPTH

PAGE = (Path(__file__).parents[2] / "shared" / "docs" / "api.md").read_text(encoding="utf-8")


def test_it_lists_every_call_and_no_other(parts: Parts):
    usage = UsageRoutes(parts.budgets, clock=parts.clock)
    document = describe([*list_endpoints(parts, usage), *HealthRoutes(parts.checks).endpoints()])
    calls = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    table = PAGE.split("## Who is calling")[0]
    assert set(re.findall(r"`((?:GET|POST|DELETE) /\S+)`", table)) == calls


def test_every_code_stands_by_its_status():
    rows = re.findall(r"^\| (\d{3}) \| (.+) \|$", PAGE, re.MULTILINE)
    listed = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert listed
    assert all(code in MESSAGES["en"] and status_of(code) == status for status, code in listed)


def test_its_numbers_are_the_real_ones():
    assert f"{JSON_BYTES:,} bytes" in PAGE
    assert f"at most {MAX_DEPTH} deep" in PAGE
