"""Clients that hang up at any moment: what is held comes back at once, and only what a model was asked for is charged."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest
from tests.chat.conftest import HEADERS, Chat, StartChat
from tests.chat.conversations import QUESTION, STREAMED
from tests.chat.scripted import ScriptedProvider
from tests.deadline import DEADLINE_SECONDS
from tests.factories import make_plan

from shared.adapters.llm.fallback_provider import FallbackProvider
from shared.adapters.llm.model import Model
from shared.adapters.offline.provider import OfflineProvider
from shared.domain.jobs.job import UserId
from shared.domain.llm.provider import ChatRequest, Delta, Provider
from shared.domain.provider_errors import ProviderBusy

HANG_UPS = 50
STEP_SECONDS = 0.0005
PLAN = make_plan(requests_per_minute=10_000)


async def hang_up(chat: Chat, after_seconds: float, *, is_streamed: bool) -> None:
    headers = {**HEADERS, "X-Etude-User": "eve"}
    with suppress(TimeoutError):
        async with asyncio.timeout(after_seconds):
            await chat.http.post("/api/chat", json=STREAMED if is_streamed else QUESTION, headers=headers)


async def hang_up_once_asked(chat: Chat, provider: ScriptedProvider) -> None:
    asking = asyncio.create_task(hang_up(chat, DEADLINE_SECONDS, is_streamed=True))
    await provider.is_asked.wait()
    asking.cancel()


async def spent_once_settled(chat: Chat) -> tuple[int, int]:
    """Tokens used and held, a moment after the last hang-up; holds expire only after five minutes."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (spent := await chat.spent(UserId("eve")))[1]:  # noqa: ASYNC110 - Redis sends no signal
            await asyncio.sleep(0.05)
    return spent


@pytest.mark.parametrize(
    "provider",
    [OfflineProvider(), FallbackProvider([ScriptedProvider(error=ProviderBusy()), OfflineProvider()])],
    ids=["offline", "fallen back"],
)
async def test_a_hang_up_returns_the_hold_and_the_offline_generator_charges_nothing(
    start_chat: StartChat, provider: Provider
):
    chat = await start_chat(provider, pro=PLAN)
    for number in range(HANG_UPS):
        await hang_up(chat, number * STEP_SECONDS, is_streamed=number % 2 == 0)
    assert await spent_once_settled(chat) == (0, 0)


async def test_a_hang_up_while_tokens_are_held_returns_them(
    start_chat: StartChat, monkeypatch: pytest.MonkeyPatch
):
    chat = await start_chat(ScriptedProvider("Never."), pro=PLAN)
    holding, is_held = chat.budgets.hold, asyncio.Event()

    async def hold_and_lose_the_reply(*arguments: object, **options: object) -> object:
        held = await holding(*arguments, **options)  # pyright: ignore[reportArgumentType] - passed on as they came
        is_held.set()
        await asyncio.sleep(0.1)
        return held

    monkeypatch.setattr(chat.budgets, "hold", hold_and_lose_the_reply)
    asking = asyncio.create_task(hang_up(chat, DEADLINE_SECONDS, is_streamed=True))
    await is_held.wait()
    asking.cancel()
    assert await spent_once_settled(chat) == (0, 0)


async def test_the_offline_generator_that_follows_a_failed_call_charges_nothing(start_chat: StartChat):
    slow = ScriptedProvider(hangs=True)

    class Offline(OfflineProvider):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
            request.on_call("offline")
            async for delta in slow.stream(request):
                yield delta

    busy = Model(ScriptedProvider(error=ProviderBusy()), name="m", provider_name="openai")
    chat = await start_chat(FallbackProvider([busy, Offline()]), pro=PLAN)
    await hang_up_once_asked(chat, slow)
    assert await spent_once_settled(chat) == (0, 0)


async def test_a_model_is_charged_for_a_prompt_that_it_was_given(start_chat: StartChat):
    provider = ScriptedProvider(hangs=True)
    chat = await start_chat(Model(provider, name="m", provider_name="openai"), pro=PLAN)
    await hang_up_once_asked(chat, provider)
    used, held = await spent_once_settled(chat)
    assert (10 < used < 1_000, held) == (True, 0)
