"""What the gateway tells: jobs let in and refused, callers turned away, listeners, requests."""

import time

import pytest
from tests.gateway.desk import COLLECTION, SUMMARY, Desk, listen, make_token
from tests.metric_samples import read
from tests.servers import RealRedis

from gateway.metrics import AUTH_FAILURES
from shared.domain.errors import NotConfirmed, StoreUnavailable


def told(desk: Desk, name: str, **labels: str) -> float:
    return read(desk.parts.meter).of(name, **labels)


async def test_a_repeated_submission_is_counted_as_deduplicated(desk: Desk) -> None:
    client = desk.client()
    for _ in range(3):
        await client.post("/api/ai", json=SUMMARY, headers={"Idempotency-Key": "k"})
    assert told(desk, "etude_jobs_accepted_total", kind="summary", tier="free") == 1
    assert told(desk, "etude_jobs_accepted_total") == 1
    assert told(desk, "etude_jobs_deduplicated_total", kind="summary") == 2


async def test_a_refusal_is_counted_by_reason(desk: Desk) -> None:
    def refused(reason: str, kind: str) -> None:
        assert told(desk, "etude_jobs_rejected_total", kind=kind, reason=reason) == 1, reason

    await desk.client(plan="slow", sub="s").post("/api/ai", json=SUMMARY)
    await desk.client(plan="slow", sub="s").post("/api/ai", json=SUMMARY)
    assert (await desk.client(plan="slow", sub="s").post("/api/ai", json=SUMMARY)).status_code == 429
    refused("rate", "summary")
    await desk.client(plan="narrow", sub="n").post("/api/ai", json=SUMMARY)
    await desk.client(plan="narrow", sub="n").post("/api/collections", json=COLLECTION)
    refused("unfinished", "collection")
    text = {"kind": "text", "input": {"text": "Water boils at one hundred degrees. " * 2_000}}
    await desk.client(plan="small", sub="b").post("/api/ai", json=text)
    assert (await desk.client(plan="small", sub="b").post("/api/ai", json=text)).status_code == 429
    refused("budget", "text")
    text = {"kind": "text", "input": {"text": "Water boils at one hundred degrees. " * 9_000}}
    assert (await desk.client(plan="small", sub="b").post("/api/ai", json=text)).status_code == 422
    refused("too_large", "text")
    await desk.client().post("/api/ai", content=b"{", headers={"Content-Type": "application/json"})
    refused("invalid", "other")
    await desk.client().post("/api/collections", json={"text": " "})
    refused("invalid", "collection")
    large = b'{"kind":"text","input":{"text":"' + b"x" * 12_000_000 + b'"}}'
    await desk.client().post("/api/ai", content=large, headers={"Content-Type": "application/json"})
    refused("size", "other")
    key = {"Idempotency-Key": "k"}
    await desk.client().post("/api/ai", json=SUMMARY, headers=key)
    await desk.client().post("/api/ai", json={**SUMMARY, "kind": "outline"}, headers=key)
    refused("conflict", "outline")
    await desk.client().get("/api/ai/none")
    assert told(desk, "etude_jobs_rejected_total") == 8


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        ("", "missing"),
        ("Basic x", "malformed"),
        ("Bearer x.y.z", "malformed"),
        ("Bearer etk_unknown", "unknown_key"),
        (f"Bearer {make_token(exp=int(time.time()) - 3600)}", "expired"),
        (f"Bearer {make_token()[:-8]}AAAAAAAA", "signature"),
        (f"Bearer {make_token(sub='')}", "claims"),
        (f"Bearer {make_token(sub='a:b')}", "claims"),
        (f"Bearer {make_token(nbf=int(time.time()) + 3600)}", "claims"),
    ],
    ids=lambda value: value if value in AUTH_FAILURES else "",
)
async def test_failed_authentications_are_counted_by_reason(
    desk: Desk, authorization: str, reason: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = await desk.anonymous(**headers).get("/api/usage")
    assert answer.status_code == 401
    assert reason not in answer.text
    assert told(desk, "etude_auth_failures_total", reason=reason) == 1
    assert told(desk, "etude_auth_failures_total") == 1


async def test_event_streams_and_their_delay_are_measured(desk: Desk) -> None:
    client = desk.client()
    await client.post("/api/ai", json=SUMMARY)  # stands in the log before anybody listens
    async with listen(client, "/api/events") as stream:
        await stream.next()
        assert told(desk, "etude_event_streams_active") == 1
        assert told(desk, "etude_http_inflight_requests") == 1
        route = {"http_route": "/api/events", "http_response_status_code": "200"}
        assert told(desk, "http_server_request_duration_seconds_count", **route) == 1
        assert told(desk, "etude_event_delay_seconds_count") == 0
        for _ in range(2):
            await client.post("/api/ai", json=SUMMARY)
            await stream.next()
        assert told(desk, "etude_event_delay_seconds_count") >= 1


async def test_unknown_paths_and_methods_are_no_labels(desk: Desk) -> None:
    client = desk.client()
    await client.get("/canary-path")
    await client.request("PROPFIND", "/api/ai")
    await client.get("/api/ai/canary-id")
    readings = read(desk.parts.meter)
    assert not [value for value in readings.label_values if "canary" in value.lower()]
    name = "http_server_request_duration_seconds_count"
    assert readings.of(name, http_route="-", http_response_status_code="404") == 1
    assert readings.of(name, http_request_method="_OTHER", http_response_status_code="405") == 1
    assert readings.of(name, http_route="/api/ai/{id}", http_response_status_code="404") == 1


async def test_an_unreachable_store_counts_as_a_refusal_and_a_missing_confirmation_does_not(
    desk: Desk, redis_server: RealRedis
) -> None:
    metrics, errors = desk.parts.metrics, [NotConfirmed(job="j"), StoreUnavailable(retry_after=1.0)]
    for error in errors:
        metrics.refused("summary", error)
    assert told(desk, "etude_jobs_rejected_total", kind="summary", reason="unavailable") == 1
    redis_server.server.stop()
    try:
        assert (await desk.client().post("/api/ai", json=SUMMARY)).status_code == 503
    finally:
        redis_server.server.start()
    assert told(desk, "etude_jobs_rejected_total", kind="summary", reason="unavailable") == 2
    assert told(desk, "etude_jobs_accepted_total") == 0
