"""The API's description of itself: complete, and true under fuzzing."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.factories import PLAN
from tests.gateway.desk import PUBLIC_PEM, Desk, make_token
from tests.gateway.gateway_process import running

from gateway.app import create_api
from gateway.services import Parts, Services
from local.ports import LOOPBACK, free_ports
from shared.runtime.http.problem_details import STATUS


@pytest.fixture
def document(parts: Parts) -> dict[str, Any]:
    return create_api(Services(parts)).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


async def test_the_document_needs_no_authentication(desk: Desk, document: dict[str, Any]):
    answer = await desk.anonymous().get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, document)


def test_every_reference_leads_somewhere(document: dict[str, Any]):
    schemas = document["components"]["schemas"]
    referred = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(document)))
    assert referred <= schemas.keys()


def test_every_call_has_a_name_a_summary_and_its_problems(document: dict[str, Any]):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for _, path, operation in operations(document):
        assert operation["summary"].endswith(".")
        assert operation["tags"]
        assert "500" in operation["responses"]
        assert ("401" in operation["responses"]) == path.startswith("/api/")
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and path != "/readyz":
                assert list(answer["content"]) == ["application/problem+json"]
            assert "X-Request-Id" in answer["headers"]


def test_every_parameter_of_a_path_is_described(document: dict[str, Any]):
    for _, path, operation in operations(document):
        described = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path))


def test_every_error_code_of_a_response_is_described(document: dict[str, Any]):
    described = set(
        re.findall(
            r"`([a-z_]+)`",
            " ".join(
                answer["description"]
                for _, _, operation in operations(document)
                for answer in operation["responses"].values()
            ),
        )
    )
    elsewhere = {
        "limit_reached", "store_unavailable", "method_not_allowed",  # kinds of others, or of no call of ours
        "head_too_large", "request_timed_out", "too_many_connections",  # before a call is known
        "no_usable_text", "nothing_new", "language_needs_model", "attempt_timed_out",  # of jobs
        "provider_error", "provider_unavailable", "provider_out_of_credit", "provider_misconfigured",
    }  # fmt: skip
    assert STATUS.keys() - described <= elsewhere


FUZZED_CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,negative_data_rejection,ignored_auth,unsupported_method,allow_header_conformance"
)
NOT_FUZZED = r"/events$|^/api/chat$"
"""What does not end, and what another process answers."""
EXAMPLES = 12
"""For each call: more finds more, and `--max-examples 500` by hand is worth its minutes before a release."""


MIN_LINKS = 5
"""Fewest links between operations that the sequences must follow: with none of them, they would show nothing."""


def test_responses_to_any_request_match_the_document(tmp_path: Path, redis_url: str, postgres_url: str):
    fuzz(tmp_path, redis_url, postgres_url, "--phases", "examples,coverage,fuzzing")


def test_responses_to_sequences_of_requests_match_the_document(
    tmp_path: Path, redis_url: str, postgres_url: str
):
    """Ids of responses are sent on: a job is submitted, shown, cancelled and removed."""
    printed = fuzz(tmp_path, redis_url, postgres_url, "--phases", "stateful", "--mode", "positive")
    followed = re.search(r"API Links: +(\d+) covered", printed)
    assert followed, printed
    assert int(followed[1]) >= MIN_LINKS, printed


def fuzz(folder: Path, redis_url: str, postgres_url: str, *options: str) -> str:
    """What schemathesis prints about a gateway in which it finds no fault."""
    plans = folder / "plans.json"
    plans.write_bytes(msgspec.json.encode({"free": PLAN}))
    (port,) = free_ports(1)
    environ = {
        "ETUDE_PORT": str(port),
        "ETUDE_REDIS_URL": redis_url,
        "ETUDE_POSTGRES_URL": postgres_url,
        "ETUDE_JWT_PUBLIC_KEY": PUBLIC_PEM,
        "ETUDE_PLANS_FILE": str(plans),
        "ETUDE_LOG_LEVEL": "error",
    }
    with running(**environ):
        fuzzed = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"http://{LOOPBACK}:{port}/openapi.json"),
                *("--header", f"Authorization: Bearer {make_token()}"),
                *("--checks", FUZZED_CHECKS, "--exclude-path-regex", NOT_FUZZED),
                *("--max-examples", str(EXAMPLES), "--seed", "1", "--wait-for-schema", "20", "--no-color"),
                *("--request-timeout", "60"),  # a scan is recognised within 20 s, on a busy machine too
                *options,
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert fuzzed.returncode == 0, fuzzed.stdout[-8_000:] + fuzzed.stderr[-2_000:]
    return fuzzed.stdout
