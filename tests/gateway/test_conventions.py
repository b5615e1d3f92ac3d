"""What every answer of the API has, whatever was asked."""

import json
from typing import Any

import httpx
import msgspec
import pytest
import structlog
from structlog.testing import capture_logs
from tests.deadline import DEADLINE_SECONDS
from tests.factories import make_final_job
from tests.gateway.conftest import open_desk
from tests.gateway.desk import SUMMARY, TEXT, Desk, make_token

from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import Problem
from shared.domain.jobs.job import JobState

PATHS = ("/healthz", "/readyz", "/openapi.json", "/api/ai", "/api/collections", "/api/usage", "/nowhere")


@pytest.mark.parametrize("path", PATHS)
async def test_every_response_has_a_request_id_and_forbids_sniffing(desk: Desk, path: str):
    answer = await desk.client().get(path)
    assert answer.headers["X-Request-Id"].startswith("request-")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_valid_request_id_is_kept(desk: Desk):
    answer = await desk.client().get("/api/usage", headers={"X-Request-Id": "trace/4711"})
    assert answer.headers["X-Request-Id"] == "trace/4711"


@pytest.mark.parametrize("given", ["", "a b", "<script>", "x" * 129, "{}"])
async def test_an_invalid_request_id_is_replaced(desk: Desk, given: str):
    answer = await desk.client().get("/api/usage", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == "request-1"


@pytest.mark.parametrize(
    ("language", "title"), [("fr-FR, en;q=0.5", "Introuvable"), ("en", "Not found"), ("de", "Not found")]
)
async def test_a_problem_has_the_members_of_rfc_9457_in_the_reader_s_language(
    desk: Desk, language: str, title: str
):
    answer = await desk.client().get("/api/ai/1", headers={"Accept-Language": language})

    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Content-Language"] == language[:2].replace("de", "en")
    assert "Accept-Language" in answer.headers["Vary"]
    assert (problem["status"], problem["code"], problem["title"]) == (404, "not_found", title)
    assert problem["instance"] == "/api/ai/1"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert problem["retryable"] is False


async def test_the_type_of_a_problem_leads_to_its_explanation(desk: Desk):
    problem = (await desk.client().get("/nowhere")).json()

    explained = await desk.anonymous().get(problem["type"], headers={"Accept-Language": "fr"})

    assert (explained.status_code, explained.json()["title"]) == (200, "Introuvable")
    assert (await desk.anonymous().get("/problems/made_up")).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/ai/", "/api/ai/1/2", "/metrics", "/docs/assets/none.js", "/redoc", "/../etc/passwd"],
)
async def test_an_unknown_path_is_a_problem(desk: Desk, path: str):
    answer = await desk.client().get(path, follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/ai", "POST, GET"),
        ("POST", "/api/ai/1", "GET, DELETE"),
        ("DELETE", "/api/usage", "GET"),
        ("GET", "/api/chat", "POST"),
        ("PATCH", "/healthz", "GET"),
        ("POST", "/openapi.json", "GET"),
    ],
)
async def test_a_405_lists_the_allowed_methods(desk: Desk, method: str, path: str, allowed: str):
    answer = await desk.client().request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/healthz", "/api/usage", "/api/ai/1"])
async def test_head_is_get_without_the_body(desk: Desk, path: str):
    client = desk.client()
    get, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize("token", ["valid", "none"])
async def test_no_response_of_any_private_route_is_stored_or_transformed(desk: Desk, token: str):
    client = desk.client() if token == "valid" else desk.anonymous()
    job = (await desk.client().post("/api/ai", json=SUMMARY)).json()
    paths = (await client.get("/openapi.json")).json()["paths"]
    private = [(method, path) for path in paths if path.startswith("/api") for method in paths[path]]
    assert len(private) > 10
    for method, path in private:
        url = path.format(id=job["id"], item="c1")
        async with client.stream(method.upper(), url, json=SUMMARY if method == "post" else None) as answer:
            assert answer.headers["Cache-Control"] == "no-store, no-transform", (method, path)
            if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                assert answer.headers["X-Accel-Buffering"] == "no"


async def test_responses_for_one_user_are_not_cached_for_others(desk: Desk):
    client = desk.client()
    job = (await client.post("/api/ai", json=SUMMARY)).json()
    for path in ("/api/ai", job["links"]["self"], "/api/collections"):
        answer = await client.get(path)
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert "Authorization" in answer.headers["Vary"]


# -- what breaks ------------------------------------------------------------------------------------------------------


class Broken:
    """A store with a bug, whose message nobody may see."""

    async def find(self, *_: Any) -> None:
        raise RuntimeError(f"secret of {TEXT}")


async def test_a_bug_is_a_500_without_details(parts: Parts):
    broken: Any = Broken()
    async with open_desk(msgspec.structs.replace(parts, store=broken)) as desk:
        with capture_logs() as logs:
            answer = await desk.client().get("/api/ai/01920000-0000-7000-8000-000000000001")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    assert "secret" not in answer.text
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["http.response_interrupted"]


# -- the log ----------------------------------------------------------------------------------------------------------


async def test_every_request_is_logged_without_text_of_the_client(desk: Desk):
    client = desk.client()
    with capture_logs() as logs:
        await client.post("/api/ai", json=SUMMARY)
        await client.post("/api/ai?secret=1", json=SUMMARY)
        await client.get("/api/ai/secret")
        await client.get("/secret")

    lines = [line for line in logs if line["event"] == "http.request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/api/ai", 202),
        ("POST", "/api/ai", 422),
        ("GET", "/api/ai/{id}", 404),
        ("GET", "-", 404),
    ]
    assert all(line["duration_ms"] >= 0 for line in lines)
    said = json.dumps(logs)
    assert "secret" not in said
    assert "Photosynthesis" not in said
    assert make_token()[:20] not in said


async def test_every_log_line_of_a_request_has_its_id(desk: Desk):
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await desk.client().get("/api/usage", headers={"X-Request-Id": "r-9"})
    assert [line["request_id"] for line in logs if line["event"] == "http.request"] == ["r-9"]


# -- health -----------------------------------------------------------------------------------------------------------


async def test_liveness_and_readiness_are_200_when_all_is_reachable(desk: Desk):
    anybody = desk.anonymous()
    assert (await anybody.get("/healthz")).json() == {"status": "ok"}
    assert (await anybody.get("/readyz")).json() == {"status": "ok", "redis": "ok", "postgres": "ok"}


async def test_readiness_names_the_unreachable_dependency(parts: Parts):
    async def away() -> None:
        raise OSError

    checks = {**parts.checks, "postgres": away}
    async with open_desk(msgspec.structs.replace(parts, checks=checks)) as desk:
        answer = await desk.anonymous().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "away", "redis": "ok", "postgres": "away"})


# -- other origins ----------------------------------------------------------------------------------------------------

ORIGIN = "https://app.example"


async def test_other_origins_are_refused_by_default(desk: Desk):
    answer = await desk.client().get("/api/usage", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_configured_origins_are_allowed(parts: Parts):
    async with open_desk(msgspec.structs.replace(parts, cors_origins=[ORIGIN])) as desk:
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        wanted = {"Access-Control-Request-Headers": "authorization,idempotency-key,content-type"}
        before = await desk.anonymous().options("/api/ai", headers={**asked, **wanted})
        answer = await desk.client().get("/api/usage", headers={"Origin": ORIGIN})
        other = await desk.client().get("/api/usage", headers={"Origin": "https://evil.example"})

    assert (before.status_code, before.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_every_problem_of_a_job_is_one_of_the_catalogue(desk: Desk, result_store: ResultStore):
    """Nothing of a provider's words gets out through a job's error."""
    problem = Problem("provider_refused")
    final = make_final_job(state=JobState.FAILED, problem=problem, result=None)
    await result_store.save([final])

    error = (await desk.client().get(f"/api/ai/{final.id}")).json()["error"]

    assert error["code"] == "provider_refused"
    assert error["type"] == "/problems/provider_refused"
    assert (error["status"], error["retryable"]) == (422, False)


async def test_connections_are_reused(desk: Desk):
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    async with httpx.AsyncClient(
        base_url=desk.url,
        headers=desk.client().headers,
        limits=limits,
        verify=False,
        timeout=DEADLINE_SECONDS,
    ) as client:
        answers = [await client.get(path) for path in ("/api/ai/1", "/nowhere", "/api/usage")]
    assert not any(answer.headers.get("Connection") == "close" for answer in answers)
