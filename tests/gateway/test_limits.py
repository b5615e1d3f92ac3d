"""What a plan allows: refused beyond it, with what is left and when it resets; and asked for beforehand."""

import asyncio
import re
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from starlette.types import Scope
from tests.gateway.conftest import open_desk
from tests.gateway.desk import COLLECTION, PLANS, SUMMARY, TEXT, Desk
from tests.job_harness import JobHarness
from tests.metric_samples import read

from gateway.limits.request_limits import MAX_LARGE_BODIES, RequestLimits
from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import TooManyFailures, TooManyUploads
from shared.runtime.http.client_address import TrustedProxies

JSON = {"Content-Type": "application/json"}


async def test_every_accepted_job_has_limit_headers(desk: Desk):
    client = desk.client()
    left = [
        int(
            re.findall(r'"day";r=(\d+)', (await client.post("/api/ai", json=SUMMARY)).headers["RateLimit"])[0]
        )
        for _ in range(2)
    ]
    held = (await client.get("/api/usage")).json()["windows"][0]["held"]

    assert held > 0
    assert left == [PLANS["free"].tokens_per_day - held // 2, PLANS["free"].tokens_per_day - held]


async def test_concurrent_requests_never_exceed_a_budget(desk: Desk):
    client = desk.client(plan="small")
    price = (await client.post("/api/usage/estimate", json=SUMMARY)).json()["tokens"]
    room = PLANS["small"].tokens_per_day // price

    answers = await asyncio.gather(*(client.post("/api/ai", json=SUMMARY) for _ in range(60)))

    accepted = [answer for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert (len(accepted), len(accepted) + len(refused)) == (room, 60)
    assert {answer.json()["code"] for answer in refused} == {"budget_exceeded"}


async def test_two_gateways_share_one_budget(desk: Desk, parts: Parts, harness: JobHarness):
    other = msgspec.structs.replace(
        parts, store=type(parts.store)(harness.redis, shards=1), closing=asyncio.Event()
    )
    async with open_desk(other) as elsewhere:
        clients = [desk.client(plan="small"), elsewhere.client(plan="small")]
        price = (await clients[0].post("/api/usage/estimate", json=SUMMARY)).json()["tokens"]
        answers = await asyncio.gather(*(clients[n % 2].post("/api/ai", json=SUMMARY) for n in range(60)))
    accepted = sum(answer.status_code == 202 for answer in answers)
    assert accepted == PLANS["small"].tokens_per_day // price


async def test_a_refused_budget_says_what_is_left_and_when_it_resets(desk: Desk):
    client = desk.client(plan="small")
    refused = await client.post("/api/ai", json=SUMMARY)
    while refused.status_code == 202:
        refused = await client.post("/api/ai", json=SUMMARY, headers={"Accept-Language": "fr"})

    problem, usage = refused.json(), (await client.get("/api/usage")).json()
    day = usage["windows"][0]
    assert (refused.status_code, problem["code"], problem["retryable"]) == (429, "budget_exceeded", True)
    assert str(day["left"]) in problem["detail"]
    assert day["resets_at"][:19] in problem["detail"]
    assert "« jour »" in problem["detail"]
    assert int(refused.headers["Retry-After"]) == problem["retry_after"] <= 86_400
    assert f'"day";r={day["left"]};' in refused.headers["RateLimit"]
    assert '"day";q=30000;' in refused.headers["RateLimit-Policy"]


async def test_too_many_requests_in_a_minute_are_refused(desk: Desk):
    client = desk.client(plan="slow")
    answers = [await client.post("/api/ai", json=SUMMARY) for _ in range(3)]

    if len({answer.headers["Date"][:22] for answer in answers}) > 1:
        pytest.skip("the minute ended in between")
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60


async def test_too_many_unfinished_jobs_are_refused(desk: Desk):
    client = desk.client(plan="narrow")
    first = await client.post("/api/ai", json=SUMMARY)
    refused = await client.post("/api/ai", json=SUMMARY)
    await client.delete(first.headers["Location"])
    again = await client.post("/api/ai", json=SUMMARY)

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_jobs")
    assert again.status_code == 202


@pytest.mark.parametrize("path", ["/api/collections", "/api/usage/estimate?for=collections"])
async def test_more_items_than_the_plan_allows_are_refused_with_its_limit(desk: Desk, path: str):
    client = desk.client(plan="frugal")
    most, more = [
        await client.post(path, json={**COLLECTION, "options": {"questions": count}}) for count in (30, 31)
    ]

    assert most.is_success
    assert (more.status_code, more.json()["code"]) == (422, "too_many_items")
    assert "30 cards and 30 questions" in more.json()["detail"]


async def test_budgets_of_users_are_separate(desk: Desk):
    ada, bob = desk.client(plan="small"), desk.client(sub="bob", plan="small")
    while (await ada.post("/api/ai", json=SUMMARY)).status_code == 202:
        pass
    assert (await bob.post("/api/ai", json=SUMMARY)).status_code == 202


async def test_usage_shows_what_is_left_and_when_it_resets(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client(plan="small")
    await client.post("/api/ai", json=SUMMARY)
    await harness.consumer(results=result_store).drain()
    await client.post("/api/ai", json=SUMMARY)

    answer = await client.get("/api/usage")

    usage = answer.json()
    assert (usage["object"], usage["plan"]) == ("usage", "small")
    assert [window["name"] for window in usage["windows"]] == ["day", "month"]
    for window in usage["windows"]:
        assert window["used"] + window["held"] + window["left"] == window["limit"]
        assert datetime.fromisoformat(window["resets_at"]) > datetime.now(UTC)
    assert usage["requests"]["left"] in {usage["requests"]["limit"] - 2, usage["requests"]["limit"] - 1}
    assert usage["unfinished_jobs"] == {"limit": PLANS["small"].unfinished_jobs, "count": 1}
    assert answer.headers["RateLimit"].count(";r=") == 3


@pytest.mark.parametrize(
    ("priced", "path", "body"), [("ai", "/api/ai", SUMMARY), ("collections", "/api/collections", COLLECTION)]
)
async def test_an_estimate_is_what_is_held(desk: Desk, priced: str, path: str, body: dict[str, object]):
    client = desk.client()
    estimate = (await client.post("/api/usage/estimate", params={"for": priced}, json=body)).json()
    before = (await client.get("/api/usage")).json()["windows"]
    made: httpx.Response = await client.post(path, json=body)

    assert [window["held"] for window in before] == [0, 0]
    assert estimate["tokens"] == made.json()["usage"]["held_tokens"] > 0
    assert estimate["is_covered"] is True


async def test_an_estimate_says_when_the_budget_does_not_cover_it(desk: Desk):
    body = SUMMARY | {"input": {"text": TEXT * 1_000}}
    client = desk.client(plan="small")

    estimate = (await client.post("/api/usage/estimate", json=body)).json()

    assert estimate["is_covered"] is False
    assert (await client.post("/api/ai", json=body)).status_code == 422


async def test_a_text_that_no_day_can_hold_is_refused_with_the_length_that_fits(desk: Desk):
    body = SUMMARY | {"input": {"text": TEXT * 1_000}}
    client = desk.client(plan="small")
    refused = await client.post("/api/ai", json=body, headers={"Accept-Language": "fr"})
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["retryable"]) == (422, "too_large_for_plan", False)
    assert "Retry-After" not in refused.headers
    found = re.search(r"Un texte d’au plus ([\d\s\u202f\u00a0]+) caractères", problem["detail"])
    assert found
    characters = int(re.sub(r"\D", "", found[1]))
    fitting = SUMMARY | {"input": {"text": (TEXT * 1_000)[:characters]}}
    assert (await client.post("/api/ai", json=fitting)).status_code == 202


async def test_an_estimate_for_an_unknown_route_has_a_pointer(desk: Desk):
    answer = await desk.client().post("/api/usage/estimate?for=songs", json=SUMMARY)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/for")


async def test_requests_of_any_kind_are_limited_and_refused_ones_count(parts: Parts):
    async with open_desk(msgspec.structs.replace(parts, monotonic=lambda: 1_000.0)) as desk:
        await refuse_requests_of_a_user(desk)


async def refuse_requests_of_a_user(desk: Desk) -> None:
    client = desk.client(plan="hurried")
    paths = ("/api/ai/none", "/api/usage", "/api/ai?limt=1", "/api/collections")
    answers = [await client.get(paths[n % 4], headers={"Accept-Language": "fr"}) for n in range(12)]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 6  # six at once
    assert {answer.json()["code"] for answer in refused} == {"too_many_requests"}
    assert "60 requêtes par minute" in refused[0].json()["detail"]
    assert refused[0].headers["Retry-After"] == "1"
    assert (await desk.client(sub="bob", plan="hurried").get("/api/usage")).status_code == 200
    assert read(desk.parts.meter).of("etude_requests_limited_total", by="user") == len(refused)


async def test_a_large_body_beyond_the_limit_gets_the_refusal_of_the_limit(desk: Desk):
    client = desk.client(plan="hurried")
    answers = [await client.post("/api/ai", content=b"[" * 1_000_000, headers=JSON) for _ in range(15)]
    assert {answer.json()["code"] for answer in answers} == {"too_deep", "too_many_requests"}


async def test_many_wrong_keys_of_one_address_are_refused(parts: Parts):
    """The clock stands still: on a slow machine the bucket would refill while the requests are sent."""
    async with open_desk(msgspec.structs.replace(parts, monotonic=lambda: 1_000.0)) as desk:
        await refuse_wrong_keys(desk)


async def refuse_wrong_keys(desk: Desk) -> None:
    wrong = desk.anonymous(Authorization="Bearer etk_wrong", **{"X-Forwarded-For": "192.0.2.7"})
    other = desk.anonymous(Authorization="Bearer etk_wrong", **{"X-Forwarded-For": "192.0.2.8"})
    answers = [await wrong.get("/api/usage") for _ in range(90)]

    statuses = [answer.status_code for answer in answers]
    assert statuses == [401] * 60 + [429] * 30
    refused = answers[60]
    assert (refused.json()["code"], refused.headers["Retry-After"]) == ("too_many_failures", "1")
    assert (await other.get("/api/usage")).status_code == 401
    valid = desk.client()
    valid.headers["X-Forwarded-For"] = "192.0.2.7"
    assert (await valid.get("/api/usage")).status_code == 200


async def test_an_address_is_not_believed_without_a_trusted_proxy(parts: Parts):
    async with open_desk(msgspec.structs.replace(parts, trusted_proxies=TrustedProxies())) as desk:
        client = desk.anonymous()
        answers = [
            await client.get("/api/usage", headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(90)
        ]
    assert [answer.status_code for answer in answers].count(429) > 20


async def test_a_large_body_counts_as_several_requests(desk: Desk):
    client = desk.client(plan="hurried")
    body = SUMMARY | {"input": {"text": TEXT * 5_000}}  # a mebibyte
    answers = [await client.post("/api/ai", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]
    assert int(answers[1].headers["Retry-After"]) >= 2


async def test_one_user_has_few_large_bodies_under_way(desk: Desk):
    limits = RequestLimits(TrustedProxies(), monotonic=desk.parts.monotonic, metrics=desk.parts.metrics)
    with ExitStack() as stack:
        for _ in range(MAX_LARGE_BODIES):
            stack.enter_context(limits.large_body("eve"))
        with pytest.raises(TooManyUploads), limits.large_body("eve"):
            pass
        with limits.large_body("ada"):
            pass
    with limits.large_body("eve"):
        pass


async def test_a_refusal_is_slow(desk: Desk):
    limits = RequestLimits(
        TrustedProxies(), monotonic=lambda: 0, metrics=desk.parts.metrics, delay_seconds=0.2
    )
    scope: Scope = {"client": ("192.0.2.7", 1), "headers": []}
    for _ in range(60):
        await limits.count_failure(scope)
    began = time.monotonic()
    with pytest.raises(TooManyFailures):
        await limits.count_failure(scope)
    assert time.monotonic() - began >= 0.19
