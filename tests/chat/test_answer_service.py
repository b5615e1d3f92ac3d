"""One answer's life, without HTTP around it."""

import asyncio

import pytest
from tests.chat.conftest import StartChat
from tests.chat.scripted import ScriptedProvider
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, PLAN

from chat.internal_auth import Caller
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.chat import ChatQuestion, ChatRole, ChatTurn
from shared.domain.provider_errors import ProviderUnavailable
from shared.domain.usage import Usage

CALLER = Caller(ADA, PLAN)
QUESTION = ChatQuestion([ChatTurn(ChatRole.USER, "When does water boil?")])


async def test_an_answer_without_a_provider_call_releases_its_whole_hold(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("Never."))

    async with chat.answers.begin(CALLER, QUESTION):
        assert (await chat.spent())[1] > 0

    assert await chat.spent() == (0, 0)


async def test_an_abandoned_answer_closes_the_provider_call_at_once(start_chat: StartChat):
    provider = ScriptedProvider("One.", "Two.")
    chat = await start_chat(provider)

    async with chat.answers.begin(CALLER, QUESTION) as answer:
        deltas = answer.deltas()
        await anext(deltas)
        await deltas.aclose()
        assert provider.is_hung_up.is_set()


async def test_interrupt_ends_every_open_answer(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("One.", hangs=True))

    async with chat.answers.begin(CALLER, QUESTION) as answer:
        deltas = answer.deltas()
        await anext(deltas)
        waiting = asyncio.ensure_future(anext(deltas))
        await asyncio.sleep(0)
        chat.answers.interrupt()
        with pytest.raises(ProviderUnavailable):
            await asyncio.wait_for(waiting, DEADLINE_SECONDS)

    used, held = await chat.spent()
    assert used > 0
    assert held == 0


async def test_an_answer_shows_the_usage_that_is_charged(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("One.", usage=Usage(30_000, 10_000)))

    async with chat.answers.begin(CALLER, QUESTION) as answer:
        _ = [text async for text in answer.deltas()]

    assert answer.usage.completion_tokens > 0
    assert answer.usage.prompt_tokens > answer.usage.completion_tokens
    assert await chat.spent() == (answer.usage.total, 0)


async def test_a_hold_of_a_dead_process_expires(start_chat: StartChat, real_redis: RedisClient):
    chat = await start_chat(ScriptedProvider("Never."))

    async with chat.answers.begin(CALLER, QUESTION) as answer:
        ends_at_ms = float(await call(real_redis, "ZSCORE", keys.holds(0), answer.id))
        seconds, _ = await call(real_redis, "TIME")

    assert 290 < ends_at_ms / 1000 - int(seconds) <= 301


async def test_all_settled_waits_for_the_last_answer(start_chat: StartChat):
    chat = await start_chat(ScriptedProvider("Never."))

    async with chat.answers.begin(CALLER, QUESTION):
        async with chat.answers.begin(CALLER, QUESTION):
            pass
        settled = asyncio.ensure_future(chat.answers.all_settled())
        await asyncio.sleep(0)
        assert not settled.done()
    await settled
