"""The life of a job, as its owner sees it over HTTP."""

import asyncio

import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.factories import make_final_job
from tests.gateway.desk import SUMMARY, TEXT, Desk, drain, submit
from tests.job_harness import JobHarness

from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import Problem
from shared.domain.jobs.job import JobState, UserId
from shared.domain.jobs.job_id import is_job_id
from shared.domain.usage import Usage

UNKNOWN = "01920000-0000-7000-8000-000000000001"


async def test_an_accepted_job_has_a_location_and_retry_after(desk: Desk):
    answer = await desk.client().post("/api/ai", json=SUMMARY)

    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/ai/{job['id']}"
    assert answer.headers["Retry-After"] == "2"
    assert is_job_id(job["id"])
    assert job["created_at"].endswith("Z")
    assert job | {"id": "", "created_at": "", "usage": {}, "links": {}} == {
        "id": "",
        "object": "job",
        "kind": "summary",
        "status": "queued",
        "created_at": "",
        "started_at": None,
        "finished_at": None,
        "attempts": 0,
        "progress": {"done": 0, "total": 0},
        "model": None,
        "generated_by": None,
        "fallback_used": False,
        "usage": {},
        "result": None,
        "error": None,
        "links": {},
    }


async def test_a_shown_job_equals_the_accepted_one(desk: Desk):
    client = desk.client()
    accepted = await submit(client)

    shown = (await client.get(accepted["links"]["self"])).json()

    assert shown | {"created_at": ""} == accepted | {"created_at": ""}
    assert shown["usage"]["held_tokens"] > 0


async def test_a_finished_job_has_its_result_and_its_usage(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job = await submit(client)
    await drain(harness, result_store)

    answer = await client.get(f"/api/ai/{job['id']}")

    done = answer.json()
    assert "Retry-After" not in answer.headers
    assert (done["status"], done["attempts"], done["model"]) == ("succeeded", 1, "model-1")
    assert done["result"] == {"object": "summary", "language": "en", "summary": "Short.", "key_points": []}
    assert done["generated_by"] == "offline"
    assert done["usage"]["held_tokens"] == 0
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]


async def test_a_result_outlives_its_record(desk: Desk, result_store: ResultStore):
    final = make_final_job()
    await result_store.save([final])

    job = (await desk.client().get(f"/api/ai/{final.id}")).json()

    assert (job["status"], job["result"]["summary"]) == ("succeeded", "Short.")
    assert job["usage"] == {"prompt_tokens": 100, "completion_tokens": 20, "held_tokens": 0}


async def test_cached_and_reasoning_tokens_and_reused_calls_are_shown(desk: Desk, result_store: ResultStore):
    final = make_final_job(usage=Usage(100, 20, 64, 8, 3))
    await result_store.save([final])

    job = (await desk.client().get(f"/api/ai/{final.id}")).json()

    assert job["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "held_tokens": 0,
        "cached_tokens": 64,
        "reasoning_tokens": 8,
        "reused": 3,
    }


async def test_a_failed_job_says_why_in_the_reader_s_language(desk: Desk, result_store: ResultStore):
    final = make_final_job(state=JobState.FAILED, problem=Problem("no_usable_text"), result=None)
    await result_store.save([final])

    answer = await desk.client().get(f"/api/ai/{final.id}", headers={"Accept-Language": "fr-CA"})

    job = answer.json()
    assert (job["status"], job["result"]) == ("failed", None)
    assert job["error"]["code"] == "no_usable_text"
    assert job["error"]["title"] == "Aucune phrase exploitable"


async def test_a_known_entity_tag_gets_304_without_a_body(desk: Desk):
    client = desk.client()
    job = await submit(client)
    first = await client.get(f"/api/ai/{job['id']}")

    again = await client.get(
        f"/api/ai/{job['id']}", headers={"If-None-Match": f'"x", {first.headers["ETag"]}'}
    )

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Retry-After"] == "2"
    assert again.headers["Cache-Control"] == "no-store, no-transform"


async def test_a_change_changes_the_tag(desk: Desk, harness: JobHarness, result_store: ResultStore):
    client = desk.client()
    job = await submit(client)
    tags = [(await client.get(f"/api/ai/{job['id']}")).headers["ETag"]]
    await harness.lease_one(harness.stream())
    tags.append((await client.get(f"/api/ai/{job['id']}")).headers["ETag"])
    await client.delete(f"/api/ai/{job['id']}")
    tags.append((await client.get(f"/api/ai/{job['id']}")).headers["ETag"])

    assert len(set(tags)) == 3
    assert not any(tag.startswith("W/") for tag in tags)


async def test_showing_a_job_does_not_read_its_payload(desk: Desk, harness: JobHarness):
    async def sent() -> int:
        return int((await harness.command("INFO", "stats"))["total_net_output_bytes"])

    client = desk.client()
    job = await submit(client, SUMMARY | {"input": {"text": "word " * 200_000}})
    before = await sent()
    for _ in range(10):
        await client.get(job["links"]["self"])
        await client.get("/api/ai")

    assert await sent() - before < 100_000


async def test_another_language_is_another_tag(desk: Desk):
    client = desk.client()
    job = await submit(client)
    english = await client.get(f"/api/ai/{job['id']}")

    french = await client.get(
        f"/api/ai/{job['id']}", headers={"If-None-Match": english.headers["ETag"], "Accept-Language": "fr"}
    )

    assert french.status_code == 200


async def test_the_tag_of_a_final_job_stays_when_its_record_expires(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job = await submit(client)
    await drain(harness, result_store)
    tag = (await client.get(f"/api/ai/{job['id']}")).headers["ETag"]
    await harness.command("FLUSHALL")

    answer = await client.get(f"/api/ai/{job['id']}", headers={"If-None-Match": tag})

    assert answer.status_code == 304


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("DELETE", ""), ("GET", "/events")])
async def test_a_foreign_job_looks_like_an_unknown_one(desk: Desk, method: str, suffix: str):
    job = await submit(desk.client())
    bob = desk.client(sub="bob")

    foreign = await bob.request(method, f"/api/ai/{job['id']}{suffix}")
    unknown = await bob.request(method, f"/api/ai/{UNKNOWN}{suffix}")

    assert foreign.status_code == unknown.status_code == 404
    differing = {"request_id", "instance"}
    assert {k: v for k, v in foreign.json().items() if k not in differing} == {
        k: v for k, v in unknown.json().items() if k not in differing
    }
    assert (await desk.client().get(f"/api/ai/{job['id']}")).json()["status"] == "queued"


async def test_a_foreign_result_looks_like_an_unknown_one(desk: Desk, result_store: ResultStore):
    final = make_final_job(user=UserId("bob"))
    await result_store.save([final])

    assert (await desk.client().get(f"/api/ai/{final.id}")).status_code == 404


@pytest.mark.parametrize("job_id", ["1", "not-a-uuid", UNKNOWN.upper(), "%00", "{s0}:stream:ai"])
async def test_an_invalid_id_is_404(desk: Desk, job_id: str):
    answer = await desk.client().get(f"/api/ai/{job_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# -- cancelling -------------------------------------------------------------------------------------------------------


async def test_a_cancelled_job_gives_its_hold_back(desk: Desk):
    client = desk.client()
    job = await submit(client)

    cancelled = await client.delete(f"/api/ai/{job['id']}")

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await client.get(f"/api/ai/{job['id']}")).json() == cancelled.json()
    windows = (await client.get("/api/usage")).json()["windows"]
    assert [window["held"] for window in windows] == [0, 0]


async def test_what_is_cancelled_is_removed_by_the_next_request(desk: Desk):
    client = desk.client()
    path = f"/api/ai/{(await submit(client))['id']}"
    first = await client.delete(path)

    second = await client.delete(path)

    assert (second.status_code, second.json()) == (200, first.json())
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404
    windows = (await client.get("/api/usage")).json()["windows"]
    assert [window["held"] for window in windows] == [0, 0]


async def test_a_final_job_is_removed(desk: Desk, result_store: ResultStore):
    final = make_final_job()
    await result_store.save([final])
    client, path = desk.client(), f"/api/ai/{final.id}"

    answer = await client.delete(path)

    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert (await client.get(path)).status_code == 404
    assert (await client.get("/api/ai")).json()["data"] == []
    assert (await client.delete(path)).status_code == 404


# -- waiting ----------------------------------------------------------------------------------------------------------


async def test_prefer_wait_returns_the_result(desk: Desk, harness: JobHarness, result_store: ResultStore):
    async with asyncio.TaskGroup() as group:
        consumer = harness.consumer(results=result_store)
        working = group.create_task(consumer.run())

        answer = await desk.client().post("/api/ai", json=SUMMARY, headers={"Prefer": "wait=20"})

        consumer.stop()
        await working
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.json()["result"]["summary"] == "Short."


async def test_prefer_wait_that_expires_is_202(desk: Desk):
    answer = await desk.client().post("/api/ai", json=SUMMARY, headers={"Prefer": "respond-async, wait=1"})

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert "Preference-Applied" not in answer.headers


async def test_a_stopping_process_ends_preferred_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.http.request_headers.MAX_WAIT_SECONDS", 10 * DEADLINE_SECONDS)
    desk.parts.closing.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await desk.client().post("/api/ai", json=SUMMARY, headers={"Prefer": "wait=9999"})
    assert answer.status_code == 202


# -- idempotency ------------------------------------------------------------------------------------------------------


async def test_the_same_key_and_body_are_the_same_job_charged_once(desk: Desk):
    client, headers = desk.client(), {"Idempotency-Key": "k1"}
    first = await client.post("/api/ai", json=SUMMARY, headers=headers)
    held = (await client.get("/api/usage")).json()["windows"]

    again = await client.post("/api/ai", json=SUMMARY, headers=headers)

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert (await client.get("/api/usage")).json()["windows"] == held


async def test_a_hundred_concurrent_requests_with_one_key_are_one_job(desk: Desk):
    client, headers = desk.client(), {"Idempotency-Key": "k1"}

    answers = await asyncio.gather(
        *(client.post("/api/ai", json=SUMMARY, headers=headers) for _ in range(100))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await client.get("/api/ai")).json()["data"]) == 1


async def test_the_layout_of_the_json_does_not_change_the_fingerprint(desk: Desk):
    client, headers = desk.client(), {"Idempotency-Key": '"k1"', "Content-Type": "application/json"}
    first = await client.post("/api/ai", json=SUMMARY, headers={"Idempotency-Key": "k1"})

    again = await client.post(
        "/api/ai", content=f'{{ "input": {{"text": "{TEXT}"}},\n "kind": "summary" }}', headers=headers
    )

    assert again.json()["id"] == first.json()["id"]


async def test_a_key_used_with_another_body_is_refused(desk: Desk):
    client, headers = desk.client(), {"Idempotency-Key": "k1"}
    await client.post("/api/ai", json=SUMMARY, headers=headers)

    other = await client.post("/api/ai", json=SUMMARY | {"kind": "outline"}, headers=headers)
    elsewhere = await client.post("/api/collections", json={"text": TEXT}, headers=headers)

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "idempotency_conflict")


async def test_idempotency_keys_of_users_are_separate(desk: Desk):
    headers = {"Idempotency-Key": "k1"}
    ada = await desk.client().post("/api/ai", json=SUMMARY, headers=headers)
    bob = await desk.client(sub="bob").post("/api/ai", json=SUMMARY, headers=headers)

    assert (ada.status_code, bob.status_code) == (202, 202)
    assert ada.json()["id"] != bob.json()["id"]


async def test_a_replay_shows_the_current_state_of_the_job(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client, headers = desk.client(), {"Idempotency-Key": "k1"}
    await client.post("/api/ai", json=SUMMARY, headers=headers)
    await drain(harness, result_store)

    again = await client.post("/api/ai", json=SUMMARY, headers=headers)

    assert (again.status_code, again.json()["status"]) == (202, "succeeded")
    assert "Retry-After" not in again.headers


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "clé"])
async def test_an_invalid_idempotency_key_is_refused(desk: Desk, key: str):
    headers = {b"Idempotency-Key": key.encode()}
    answer = await desk.client().post("/api/ai", json=SUMMARY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


# -- lists ------------------------------------------------------------------------------------------------------------


async def test_a_list_merges_live_and_saved_jobs_newest_first(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    done = await submit(client)
    await drain(harness, result_store)
    waiting = await submit(client)

    answer = await client.get("/api/ai")

    page = answer.json()
    assert [(job["id"], job["status"]) for job in page["data"]] == [
        (waiting["id"], "queued"),
        (done["id"], "succeeded"),
    ]
    assert (page["object"], page["has_more"], page["next_cursor"]) == ("list", False, None)
    assert not any("result" in job for job in page["data"])
    assert "Link" not in answer.headers


async def test_pages_neither_repeat_nor_skip(desk: Desk, harness: JobHarness, result_store: ResultStore):
    client = desk.client()
    for _ in range(3):
        await submit(client)
    await drain(harness, result_store)
    ids = [(await submit(client))["id"] for _ in range(4)]
    seen: list[str] = []
    url = "/api/ai?limit=2"
    while url:
        answer = await client.get(url)
        page = answer.json()
        seen += [job["id"] for job in page["data"]]
        assert page["has_more"] == (page["next_cursor"] is not None)
        url = answer.links["next"]["url"] if page["has_more"] else ""
        await submit(client)  # what comes in meanwhile is on no later page

    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=True)
    assert set(ids) < set(seen)


async def test_a_list_has_only_the_user_s_jobs_of_the_requested_kind(desk: Desk):
    ada, bob = desk.client(), desk.client(sub="bob")
    outline = await submit(ada, SUMMARY | {"kind": "outline"})
    await submit(ada)
    await ada.post("/api/collections", json={"text": TEXT})
    await submit(bob)

    assert [job["id"] for job in (await ada.get("/api/ai?kind=outline")).json()["data"]] == [outline["id"]]
    assert len((await ada.get("/api/ai")).json()["data"]) == 2
    assert len((await bob.get("/api/ai")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=101", "/query/limit"),
        ("limit=ten", "/query/limit"),
        ("limit=", "/query/limit"),
        ("limit=" + "9" * 9999, "/query/limit"),
        ("limit=٣", "/query/limit"),
        ("after=x", "/query/after"),
        ("after=eHh4", "/query/after"),
        ("after=", "/query/after"),
        ("kind=song", "/query/kind"),
        ("kind=collection", "/query/kind"),
    ],
)
async def test_an_invalid_query_parameter_has_a_pointer(desk: Desk, query: str, pointer: str):
    answer = await desk.client().get(f"/api/ai?{query}")
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
