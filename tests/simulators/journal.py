"""What happened to the simulator: every call, how it ended, and when its client hung up."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct
from tests.simulators.chat_request import ChatRequest


class CallState(StrEnum):
    RUNNING = "running"
    ANSWERED = "answered"
    """All that was to be said was said, be it an error."""
    BROKEN = "broken"
    """By us, on purpose, before the answer's end."""
    HUNG_UP = "hung_up"
    """By the client, before the answer's end."""
    CANCELLED = "cancelled"
    """On the client's request, of a background response."""


class Call(Struct, kw_only=True):
    number: int
    call_id: str
    """`X-Client-Request-Id`: the job and step, by our own convention."""
    model: str
    is_stream: bool
    cache_key: str = ""
    safety_id: str = ""
    started_at: float
    """Unix seconds, as `ended_at`."""
    ended_at: float | None = None
    state: CallState = CallState.RUNNING
    status: int = 0
    fault: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    request: ChatRequest | None = None
    """None when the journal keeps none."""


class Journal:
    def __init__(self, *, clock: Callable[[], float], keeps_requests: bool = True) -> None:
        self.calls: list[Call] = []
        self._clock = clock
        self._keeps_requests = keeps_requests
        self._changed = asyncio.Event()

    def begin(self, request: ChatRequest, call_id: str) -> Call:
        call = Call(
            number=len(self.calls) + 1,
            call_id=call_id,
            model=request.model,
            is_stream=request.stream,
            cache_key=request.prompt_cache_key,
            safety_id=request.safety_identifier,
            started_at=self._clock(),
            request=request if self._keeps_requests else None,
        )
        self.calls.append(call)
        self._tell()
        return call

    def end(self, call: Call, state: CallState) -> None:
        call.state = state
        call.ended_at = self._clock()
        self._tell()

    def clear(self) -> None:
        self.calls.clear()

    async def until(self, is_wanted: Callable[[list[Call]], bool]) -> None:
        """Wait for the calls to be as wanted."""
        while not is_wanted(self.calls):
            await self._changed.wait()

    async def until_ended(self, count: int = 1) -> None:
        await self.until(lambda calls: sum(call.ended_at is not None for call in calls) >= count)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
