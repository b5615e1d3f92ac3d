"""Calls as background responses: the server goes on without us, so a call in flight outlives the worker that made it.

The id of a response is kept under the job's fence before it is waited for. The next attempt waits for the same response.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from enum import StrEnum
from typing import Any, cast

import httpx2
import structlog
from openai import APIError, APIStatusError, AsyncOpenAI, OpenAIError

from shared.adapters.llm.openai.background.response_slot import ResponseSlot
from shared.adapters.llm.openai.reading.background_response import ResponseProgress
from shared.adapters.llm.openai.reading.json_body import Fields
from shared.adapters.llm.openai.server_reply import begin_reply
from shared.domain.errors import LeaseLost, StoreUnavailable
from shared.domain.provider_errors import ProviderUnavailable

log = structlog.get_logger()

FIRST_PAUSE_SECONDS = 1.0
"""Pause before a response is fetched again whose server has no stream of it, or has ended one early; each further pause is
twice as long."""
LONGEST_PAUSE_SECONDS = 10.0
CANCEL_SECONDS = 2.0
"""Time limit for cancelling a response, which nobody waits for."""
GONE_STATUSES = frozenset({400, 404, 405, 410, 422, 501})
"""Statuses with which servers answer that they do not have a response, or not any more."""


class ResponseUse(StrEnum):
    """What became of a response."""

    CREATED = "created"
    RESUMED = "resumed"
    """A later attempt used it, and did not pay for another one."""
    LOST = "lost"
    """A later attempt could not use it, because it had failed or expired, and paid for another one."""


class BackgroundResponses:
    """The background responses of one model."""

    def __init__(self, *, model: str, on_use: Callable[[ResponseUse], None] = lambda _: None) -> None:
        self._model = model
        self._on_use = on_use

    async def resume(self, client: AsyncOpenAI, slot: ResponseSlot) -> Fields | None:
        """Wait for the response that was begun before. None if there is none that can be used: then the call is made."""
        if not slot.awaited_id:
            return None
        progress = ResponseProgress(slot.awaited_id)
        async with self._cancelled_with_job(client, slot, progress):
            await self._finish(client, progress)
        if not progress.is_usable:
            self._on_use(ResponseUse.LOST)
            log.warning("provider.response_lost", model=self._model)
            return None
        self._on_use(ResponseUse.RESUMED)
        slot.is_finished = True
        return progress.response

    async def receive(self, client: AsyncOpenAI, events: AsyncGenerator[str], slot: ResponseSlot) -> Fields:
        """Wait for the response that the server has just begun, having kept its id."""
        progress = ResponseProgress()
        async with self._cancelled_with_job(client, slot, progress):
            await self._begin(events, progress, slot)
            await _follow(events, progress)
            if not progress.is_finished:
                await self._finish(client, progress)
        if not progress.is_finished:
            raise ProviderUnavailable(is_connected=False)
        slot.is_finished = True
        return progress.response

    async def abandon(self, client: AsyncOpenAI, slot: ResponseSlot) -> None:
        """Cancel a response that nobody will wait for."""
        if slot.awaited_id:
            with suppress(OpenAIError, httpx2.HTTPError, TimeoutError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    await _cancel(client, slot.awaited_id)

    async def _begin(
        self, events: AsyncGenerator[str], progress: ResponseProgress, slot: ResponseSlot
    ) -> None:
        """Read up to the response's id. An error until then is an error of the call."""
        while not progress.id:
            if (data := await anext(events, None)) is None:
                raise ProviderUnavailable(is_connected=False)
            progress.add(data)
        self._on_use(ResponseUse.CREATED)
        await slot.keep(progress.id)

    async def _finish(self, client: AsyncOpenAI, progress: ResponseProgress) -> None:
        """Wait until the response is finished, or return when the server does not have it."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                progress.add(await _fetch(client, progress.id))
            except APIStatusError as error:
                if error.status_code in GONE_STATUSES:
                    return
                raise
            if not progress.is_finished:
                await _follow_again(client, progress)
            if progress.is_finished:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    @asynccontextmanager
    async def _cancelled_with_job(
        self, client: AsyncOpenAI, slot: ResponseSlot, progress: ResponseProgress
    ) -> AsyncGenerator[None]:
        """Cancel the response if its job was cancelled. After every other end of the attempt, the next one wants it."""
        try:
            yield
        except (asyncio.CancelledError, LeaseLost):
            if progress.id and not progress.is_finished:
                with suppress(OpenAIError, httpx2.HTTPError, StoreUnavailable, TimeoutError):
                    async with asyncio.timeout(CANCEL_SECONDS):
                        if await slot.is_job_cancelled():
                            await _cancel(client, progress.id)
            raise


async def _follow(events: AsyncGenerator[str], progress: ResponseProgress) -> None:
    """Read events until the response is finished or the stream ends, which a lost connection may do."""
    with suppress(httpx2.HTTPError, APIError):
        while not progress.is_finished and (data := await anext(events, None)) is not None:
            progress.add(data)


async def _follow_again(client: AsyncOpenAI, progress: ResponseProgress) -> None:
    """Follow the response from where we are. A server that has no stream of it refuses, and is asked again later."""
    with suppress(httpx2.HTTPError, APIError):
        retrieve = cast(Callable[..., Any], client.responses.with_streaming_response.retrieve)
        after = {"starting_after": progress.last_event} if progress.last_event >= 0 else {}
        async with (
            retrieve(progress.id, stream=True, **after) as response,
            begin_reply(response.http_response, is_stream=True) as reply,
            aclosing(reply.events()) as events,
        ):
            await _follow(events, progress)


async def _fetch(client: AsyncOpenAI, response_id: str) -> str:
    async with client.responses.with_streaming_response.retrieve(response_id) as response:
        return (await response.read()).decode(errors="replace")


async def _cancel(client: AsyncOpenAI, response_id: str) -> None:
    async with client.responses.with_streaming_response.cancel(response_id):
        log.info("provider.response_cancelled")
