"""`POST /api/chat`, over HTTP."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.chat.conftest import Chat, StartChat
from tests.chat.conversations import QUESTION, STREAMED, read_events
from tests.chat.scripted import ScriptedProvider
from tests.deadline import DEADLINE_SECONDS
from tests.factories import (
    BOB,
    PLAN,
    make_collection,
    make_final_job,
    make_job_id,
    make_plan,
    make_submission,
)
from tests.servers import RealRedis

from shared.adapters.offline.provider import OfflineProvider
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.jobs.job import Kind
from shared.domain.llm.model_choice import PlanModels
from shared.domain.provider_errors import ProviderBusy, ProviderUnavailable
from shared.domain.usage import Usage


async def save_collection(results: ResultStore, **overrides: Any) -> str:
    job = make_final_job(kind=Kind.COLLECTION, **overrides)
    await results.save([job])
    return job.id


# -- answers ------------------------------------------------------------------------------------------------


async def test_an_answer_is_sent_as_one_json_body(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("At one hundred ", "degrees."))

    answer = await chat.http.post("/api/chat", json=QUESTION)

    assert answer.status_code == 200
    assert answer.headers["AI-Disclosure"] == ('mode=machine-generated, model="model-1", provider="openai"')
    assert answer.json() == {
        "id": "chat_1",
        "object": "chat.answer",
        "message": {"role": "assistant", "content": "At one hundred degrees."},
        "quotes": [],
        "model": "model-1",
        "generated_by": "openai",
        "usage": {"prompt_tokens": 100, "completion_tokens": 20},
        "truncated": False,
    }


async def test_cached_and_reasoning_tokens_are_shown(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("At one hundred.", usage=Usage(100, 20, 64, 8)))
    details = {"cached_tokens": 64, "reasoning_tokens": 8}

    whole = await chat.http.post("/api/chat", json=QUESTION)
    streamed = await chat.http.post("/api/chat", json=STREAMED)

    assert whole.json()["usage"] == {"prompt_tokens": 100, "completion_tokens": 20, **details}
    assert dict(read_events(streamed.text))["usage"].items() >= details.items()


async def test_a_streamed_answer_is_sent_in_pieces(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("At one hundred ", "degrees."))

    answer = await chat.http.post("/api/chat", json=STREAMED)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["AI-Disclosure"] == "mode=machine-generated"
    assert read_events(answer.text) == [
        ("delta", {"text": "At one hundred "}),
        ("delta", {"text": "degrees."}),
        ("quotes", {"quotes": []}),
        (
            "usage",
            {"prompt_tokens": 100, "completion_tokens": 20, "model": "model-1", "generated_by": "openai"},
        ),
        ("done", {"id": "chat_1", "truncated": False}),
    ]


async def test_the_first_piece_is_sent_before_the_answer_is_complete(start_chat: StartChat):
    provider = ScriptedProvider("First.", hangs=True)
    chat = await start_chat(provider)

    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        chat.http.stream("POST", "/api/chat", json=STREAMED) as answer,
    ):
        pieces = answer.aiter_text()
        assert "First." in await anext(pieces)
        provider.goes_on.set()
        assert "done" in "".join([piece async for piece in pieces])


async def test_a_silent_stream_gets_heartbeats(start_chat: StartChat):
    provider = ScriptedProvider(hangs=True)
    chat = await start_chat(provider, heartbeat_seconds=0.01)

    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        chat.http.stream("POST", "/api/chat", json=STREAMED) as answer,
    ):
        assert (await anext(answer.aiter_text())).startswith(":")


async def test_without_a_collection_the_instructions_allow_a_free_answer(start_chat: StartChat):
    provider = ScriptedProvider("Oui.")
    chat = await start_chat(provider)

    await chat.http.post(
        "/api/chat", json={"messages": [{"role": "user", "content": "Est-ce que l’eau bout ?"}]}
    )

    ((messages, sources, language),) = provider.asked
    assert [message.role for message in messages] == ["system", "user"]
    assert (sources, language) == ([], "fr")


async def test_without_a_key_the_answer_says_it_is_offline_and_costs_nothing(
    start_chat: StartChat, result_store: ResultStore
):
    chat = await start_chat(OfflineProvider())
    collection = await save_collection(result_store)

    answer = await chat.http.post(
        "/api/chat", json={**QUESTION, "collection_id": collection, "language": "en"}
    )

    assert answer.json()["generated_by"] == "offline"
    assert "one hundred degrees" in answer.json()["message"]["content"]
    assert await chat.spent() == (0, 0)


# -- grounding ----------------------------------------------------------------------------------------------


async def test_an_answer_on_a_collection_quotes_its_text(start_chat: StartChat, result_store: ResultStore):
    collection = make_collection()
    provider = ScriptedProvider("Your text says: “water boils at one hundred degrees”.")
    chat = await start_chat(provider)
    job_id = await save_collection(result_store, result=msgspec.json.encode(collection))

    answer = await chat.http.post("/api/chat", json={**QUESTION, "collection_id": job_id})

    (quote,) = answer.json()["quotes"]
    assert quote["quote"] == "Water boils at one hundred degrees"
    assert collection.text[quote["start"] : quote["end"]] == quote["quote"]
    ((_, sources, _),) = provider.asked
    assert sources == [collection.text]


async def test_the_quotes_of_a_streamed_answer_come_after_its_text(
    start_chat: StartChat, result_store: ResultStore
):
    chat = await start_chat(ScriptedProvider("Water boils at ", "one hundred degrees."))
    job_id = await save_collection(result_store)

    answer = await chat.http.post("/api/chat", json={**STREAMED, "collection_id": job_id})

    events = read_events(answer.text)
    assert [name for name, _ in events] == ["delta", "delta", "quotes", "usage", "done"]
    assert events[2][1]["quotes"] == [{"quote": "Water boils at one hundred degrees.", "start": 0, "end": 35}]


async def test_a_foreign_collection_is_answered_like_an_unknown_one(
    start_chat: StartChat, result_store: ResultStore
):
    provider = ScriptedProvider("Never.")
    chat = await start_chat(provider)
    foreign = await save_collection(result_store, user=BOB)

    answers = [
        await chat.http.post("/api/chat", json={**QUESTION, "collection_id": job_id})
        for job_id in (foreign, make_job_id())
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert provider.asked == []
    assert await chat.spent() == (0, 0)


async def test_an_unfinished_collection_is_409(start_chat: StartChat, real_redis: RedisClient):
    chat = await start_chat(ScriptedProvider("Never."))
    submission = make_submission(kind=Kind.COLLECTION)
    await JobStore(real_redis, shards=1).submit(submission, now=chat.now)

    answer = await chat.http.post("/api/chat", json={**QUESTION, "collection_id": submission.id})

    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
    assert "retry-after" in answer.headers


# -- tokens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [QUESTION, STREAMED])
async def test_an_answer_is_charged_what_it_used(start_chat: StartChat, body: dict[str, Any]):
    chat = await start_chat(ScriptedProvider("Done.", usage=Usage(70, 7)))

    await chat.http.post("/api/chat", json=body)

    assert await chat.spent() == (77, 0)


async def test_tokens_are_held_while_the_provider_answers(start_chat: StartChat):
    provider = ScriptedProvider("First.", hangs=True)
    chat = await start_chat(provider)

    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        chat.http.stream("POST", "/api/chat", json=STREAMED) as answer,
    ):
        await anext(answer.aiter_text())
        used, held = await chat.spent()

    assert used == 0
    assert held > 2_000


async def test_without_room_in_the_budget_the_provider_is_not_asked(start_chat: StartChat):
    provider = ScriptedProvider("Never.")
    chat = await start_chat(provider, pro=make_plan(tokens_per_day=1_000))

    answer = await chat.http.post("/api/chat", json=STREAMED, headers={"Accept-Language": "fr"})

    assert (answer.status_code, answer.json()["code"]) == (429, "budget_exceeded")
    assert answer.headers["content-language"] == "fr"
    assert provider.asked == []


async def test_an_answer_says_what_is_left(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("Done."))

    answer = await chat.http.post("/api/chat", json=QUESTION)

    assert answer.headers["ratelimit-policy"].startswith(f'"day";q={PLAN.tokens_per_day};w=86400')
    assert answer.headers["ratelimit"].startswith('"day";r=99')


async def test_an_unlabelled_plan_is_the_default_one(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("Done."), free=make_plan(tokens_per_day=1))

    answer = await chat.http.post("/api/chat", json=QUESTION, headers={"X-Etude-Plan": "no such plan"})

    assert answer.status_code == 429


# -- endings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [QUESTION, STREAMED])
async def test_a_failure_before_the_first_piece_has_its_own_status(
    start_chat: StartChat, body: dict[str, Any]
):
    chat = await start_chat(ScriptedProvider(error=ProviderBusy(retry_after=7)))

    answer = await chat.http.post("/api/chat", json=body)

    assert (answer.status_code, answer.json()["code"]) == (503, "provider_busy")
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["request_id"] == "req-1"
    assert await chat.spent() == (0, 0)


async def test_an_answer_at_the_length_limit_says_so(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("At one hundred", was_cut=True))

    whole = await chat.http.post("/api/chat", json=QUESTION)
    streamed = await chat.http.post("/api/chat", json=STREAMED)

    assert whole.json()["truncated"]
    assert read_events(streamed.text)[-1][1]["truncated"]


async def test_a_charge_never_exceeds_the_hold(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("At one", usage=Usage(900_000, 900_000)))

    await chat.http.post("/api/chat", json=QUESTION)

    used, held = await chat.spent()
    assert 0 < used < 10_000
    assert held == 0


async def test_a_failure_in_mid_stream_is_an_error_event(start_chat: StartChat):
    error = ProviderUnavailable(usage=Usage(50, 3))
    chat = await start_chat(ScriptedProvider("At one", error=error))

    answer = await chat.http.post("/api/chat", json=STREAMED)

    (_, delta), (name, problem), (last, _) = read_events(answer.text)
    assert (delta, name, last) == ({"text": "At one"}, "error", "done")
    assert (problem["code"], problem["retryable"]) == ("provider_unavailable", True)
    assert await chat.spent() == (53, 0)


@pytest.mark.parametrize("body", [QUESTION, STREAMED])
async def test_a_bug_is_a_problem_without_a_traceback(start_chat: StartChat, body: dict[str, Any]):
    chat = await start_chat(ScriptedProvider(error=RuntimeError("secret text")))

    answer = await chat.http.post("/api/chat", json=body)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_a_bug_in_mid_stream_ends_the_stream_properly(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("At one", error=RuntimeError("secret text")))

    answer = await chat.http.post("/api/chat", json=STREAMED)

    assert [name for name, _ in read_events(answer.text)] == ["delta", "error", "done"]
    assert "secret" not in answer.text


async def test_an_empty_answer_is_a_failure(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("  ", usage=Usage(9, 1)))

    answer = await chat.http.post("/api/chat", json=QUESTION)

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_garbled")
    assert await chat.spent() == (10, 0)


async def test_a_client_that_leaves_a_stream_ends_the_call_and_pays_for_the_text_so_far(
    start_chat: StartChat,
):
    provider = ScriptedProvider("word " * 100, hangs=True)
    chat = await start_chat(provider)

    async with chat.http.stream("POST", "/api/chat", json=STREAMED) as answer:
        await anext(answer.aiter_text())

    await assert_hung_up(chat, provider)
    used, held = await chat.spent()
    assert held == 0
    assert 100 < used < 1_000


async def test_a_client_that_leaves_before_the_answer_ends_the_call(start_chat: StartChat):
    provider = ScriptedProvider(hangs=True)
    chat = await start_chat(provider)

    asking = asyncio.create_task(chat.http.post("/api/chat", json=QUESTION))
    await provider.is_asked.wait()
    asking.cancel()

    await assert_hung_up(chat, provider)
    assert (await chat.spent())[1] == 0


async def assert_hung_up(chat: Chat, provider: ScriptedProvider) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        await provider.is_hung_up.wait()
        await chat.answers.all_settled()


async def test_without_redis_the_provider_is_not_called(start_chat: StartChat, redis_server: RealRedis):
    provider = ScriptedProvider("Never.")
    chat = await start_chat(provider)
    await asyncio.to_thread(redis_server.server.stop)

    answer = await chat.http.post("/api/chat", json=QUESTION)

    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert "retry-after" in answer.headers
    assert provider.asked == []


# -- requests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [{"X-Etude-Internal": "guess"}, {"X-Etude-Internal": ""}, {"X-Etude-User": ""}]
)
async def test_requests_without_the_internal_secret_are_refused(
    start_chat: StartChat, headers: dict[str, str]
):
    chat = await start_chat(ScriptedProvider("Never."))

    answer = await chat.http.post("/api/chat", json=QUESTION, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def turn(content: Any = "Hello?", role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/messages"]),
        ({"messages": []}, ["/messages"]),
        ({"messages": [turn()] * 51}, ["/messages"]),
        ({"messages": [turn(role="system"), turn()]}, ["/messages/0/role"]),
        ({"messages": [turn(), turn(role="assistant")]}, ["/messages/1/role"]),
        ({"messages": [turn("")]}, ["/messages/0/content"]),
        ({"messages": [turn(" \n"), turn()]}, ["/messages/0/content"]),
        ({"messages": [turn(7)]}, ["/messages/0/content"]),
        ({"messages": [turn("a\0b")]}, ["/messages/0/content"]),
        ({"messages": [turn("a" * 20_000), turn("b" * 20_000)]}, ["/messages"]),
        ({**QUESTION, "collection_id": "mine"}, ["/collection_id"]),
        ({**QUESTION, "language": "d"}, ["/language"]),
        ({**QUESTION, "stream": "yes"}, ["/stream"]),
        ({**QUESTION, "engine": "gpt"}, ["/engine"]),
        ({"messages": [{**turn(), "name": "x"}], "temperature": 1}, ["/messages/0/name", "/temperature"]),
        ([], [""]),
    ],
)
async def test_an_invalid_body_is_refused_with_a_pointer_to_each_error(
    start_chat: StartChat, body: Any, pointers: list[str]
):
    chat = await start_chat(ScriptedProvider("Never."))

    answer = await chat.http.post("/api/chat", json=body)

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers
    assert all(fault["detail"] for fault in answer.json()["errors"])


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b'{"messages": "\xff"}', "application/json", 400, "invalid_encoding"),
        (b"[" * 100, "application/json", 400, "too_deep"),
        (b" " * 1_048_577, "application/json", 413, "too_large"),
        (b"hello", "text/plain", 415, "unsupported_media_type"),
    ],
)
async def test_a_malformed_body_is_refused(
    start_chat: StartChat, content: bytes, media_type: str, status: int, code: str
):
    chat = await start_chat(ScriptedProvider("Never."))

    answer = await chat.http.post("/api/chat", content=content, headers={"Content-Type": media_type})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_unknown_paths_and_methods_are_problems(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider())

    unknown, wrong = await chat.http.get("/api/talk"), await chat.http.get("/api/chat")

    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


async def test_readiness_names_the_unreachable_dependency(start_chat: StartChat, redis_server: RealRedis):
    chat = await start_chat(ScriptedProvider())

    ready = await chat.http.get("/readyz")
    await asyncio.to_thread(redis_server.server.stop)
    away, alive = await chat.http.get("/readyz"), await chat.http.get("/healthz")

    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "redis": "ok"})
    assert (away.status_code, away.json()) == (503, {"status": "away", "redis": "away"})
    assert alive.status_code == 200


async def test_a_question_may_name_a_model_that_its_plan_allows(start_chat: StartChat):
    plan = make_plan(models=PlanModels(allowed=("large", "huge")))
    chat = await start_chat(ScriptedProvider("At one hundred."), pro=plan)

    allowed = await chat.http.post("/api/chat", json={**QUESTION, "model": "huge"})
    refused = await chat.http.post("/api/chat", json={**QUESTION, "model": "small"})

    assert allowed.status_code == 200
    assert chat.requested_models == ["huge"]
    assert (refused.status_code, refused.json()["code"]) == (403, "model_not_allowed")
    assert "large, huge" in refused.json()["detail"]
    assert await chat.spent() == (120, 0)
