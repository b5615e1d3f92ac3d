"""Questions that a model puts into words of the collection before they are answered."""

import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.chat.conftest import StartChat
from tests.chat.conversations import read_events
from tests.chat.retrieval.course_text import FACTS, TEXT
from tests.chat.scripted import USAGE, ScriptedProvider
from tests.factories import make_collection, make_final_job
from tests.simulators.scripted_server import Body, Response, ScriptedServer, completion, message_of, refusal

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.jobs.job import Kind
from shared.domain.usage import Usage

WEAK = "Which organs do plants breathe through?"
STRONG = "Which light does chlorophyll absorb and reflect?"
WORDS = completion(
    json.dumps({"words": ["stomata", "pores", "leaf"]}),
    usage={"prompt_tokens": 150, "completion_tokens": 12, "total_tokens": 162},
)
SPENT = Usage(150, 12)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(lambda _: WORDS) as server:
        yield server


@pytest.fixture
async def rewriter(server: ScriptedServer) -> AsyncIterator[OpenAIProvider]:
    provider = OpenAIProvider(connect("a-key", base_url=server.url), model="model-1")
    yield provider
    await provider.close()


@pytest.fixture
async def collection_id(result_store: ResultStore) -> str:
    collection = make_collection(text=TEXT, language="en", flashcards=[], quiz=[])
    job = make_final_job(kind=Kind.COLLECTION, result=msgspec.json.encode(collection))
    await result_store.save([job])
    return job.id


def overloaded(_: Body) -> Response:
    return refusal(503, message_of("Overloaded"))


def write_nothing(_: Body) -> Response:
    return completion(json.dumps({"words": ["the", ""]}))


def ask(collection_id: str, question: str, *, stream: bool = False) -> dict[str, object]:
    messages = [{"role": "user", "content": question}]
    return {"messages": messages, "collection_id": collection_id, "stream": stream}


async def test_a_weak_question_is_answered_from_the_passages_that_a_model_s_words_find(
    start_chat: StartChat, rewriter: OpenAIProvider, server: ScriptedServer, collection_id: str
):
    provider = ScriptedProvider("Through their stomata.")
    chat = await start_chat(provider, rewriter=rewriter)

    answer = await chat.http.post("/api/chat", json=ask(collection_id, WEAK))

    ((_, sources, _),) = provider.asked
    assert any(FACTS["stomata"] in source for source in sources)
    assert answer.json()["retrieval"] == "rewritten"
    assert WEAK in server.requests[0]["messages"][-1]["content"]


async def test_the_usage_includes_the_words_of_the_model(
    start_chat: StartChat, rewriter: OpenAIProvider, collection_id: str
):
    chat = await start_chat(ScriptedProvider("Through their stomata."), rewriter=rewriter)

    answer = await chat.http.post("/api/chat", json=ask(collection_id, WEAK, stream=True))

    usage = dict(read_events(answer.text))["usage"]
    total = USAGE + SPENT
    assert usage["retrieval"] == "rewritten"
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (
        total.prompt_tokens,
        total.completion_tokens,
    )
    assert await chat.spent() == (total.total, 0)


async def test_a_question_with_words_of_the_text_is_not_rewritten(
    start_chat: StartChat, rewriter: OpenAIProvider, server: ScriptedServer, collection_id: str
):
    chat = await start_chat(ScriptedProvider("Red and blue."), rewriter=rewriter)

    answer = await chat.http.post("/api/chat", json=ask(collection_id, STRONG))

    assert server.requests == []
    assert answer.json()["retrieval"] == "lexical"
    assert await chat.spent() == (USAGE.total, 0)


async def test_without_a_model_or_a_collection_nothing_is_rewritten(
    start_chat: StartChat, rewriter: OpenAIProvider, server: ScriptedServer, collection_id: str
):
    without_model = await start_chat(ScriptedProvider("Through pores."))
    chat = await start_chat(ScriptedProvider("Through pores."), rewriter=rewriter)

    lexical = await without_model.http.post("/api/chat", json=ask(collection_id, WEAK))
    free = await chat.http.post("/api/chat", json={"messages": [{"role": "user", "content": WEAK}]})

    assert lexical.json()["retrieval"] == "lexical"
    assert "retrieval" not in free.json()
    assert server.requests == []


async def test_a_model_that_is_too_slow_is_not_waited_for_and_its_prompt_is_charged(
    start_chat: StartChat, rewriter: OpenAIProvider, server: ScriptedServer, collection_id: str
):
    server.latency_seconds = 60.0
    chat = await start_chat(ScriptedProvider("Through pores."), rewriter=rewriter, rewrite_seconds=0.05)

    answer = await chat.http.post("/api/chat", json=ask(collection_id, WEAK))

    assert answer.json()["retrieval"] == "lexical"
    used, held = await chat.spent()
    assert USAGE.total < used < USAGE.total + 500
    assert held == 0


async def test_a_model_that_fails_costs_nothing_and_the_answer_comes(
    start_chat: StartChat, rewriter: OpenAIProvider, server: ScriptedServer, collection_id: str
):
    server.respond = overloaded
    chat = await start_chat(ScriptedProvider("Through pores."), rewriter=rewriter)

    answer = await chat.http.post("/api/chat", json=ask(collection_id, WEAK))

    assert (answer.status_code, answer.json()["retrieval"]) == (200, "lexical")
    assert await chat.spent() == (USAGE.total, 0)


async def test_a_model_without_a_word_changes_nothing(
    start_chat: StartChat, rewriter: OpenAIProvider, server: ScriptedServer, collection_id: str
):
    server.respond = write_nothing
    chat = await start_chat(ScriptedProvider("Through pores."), rewriter=rewriter)

    answer = await chat.http.post("/api/chat", json=ask(collection_id, WEAK))

    assert answer.json()["retrieval"] == "lexical"


async def test_an_answer_that_fails_after_the_rewriting_is_charged_for_both_once(
    start_chat: StartChat, rewriter: OpenAIProvider, collection_id: str
):
    chat = await start_chat(ScriptedProvider("  "), rewriter=rewriter)

    answer = await chat.http.post("/api/chat", json=ask(collection_id, WEAK))

    assert answer.json()["code"] == "provider_garbled"
    assert await chat.spent() == ((USAGE + SPENT).total, 0)
