"""A provider that says what a test told it to, and notes what became of it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

from shared.domain.llm.provider import ChatRequest, Completion, Delta, Message, Prompt
from shared.domain.provider_errors import ProviderError
from shared.domain.usage import Usage

T = TypeVar("T")

USAGE = Usage(100, 20)


class ScriptedProvider:
    """Streams `texts`; then raises `error`, or waits for `goes_on` when it `hangs`, or ends with its usage."""

    def __init__(
        self,
        *texts: str,
        error: ProviderError | Exception | None = None,
        hangs: bool = False,
        usage: Usage | None = USAGE,
        generated_by: str = "openai",
        was_cut: bool = False,
    ) -> None:
        self.asked: list[tuple[list[Message], list[str], str]] = []
        """Messages, sources and language of each call."""
        self.is_asked = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.is_hung_up = asyncio.Event()
        """The call was ended before its answer was."""
        self._streams: list[AsyncGenerator[Delta]] = []
        """Kept, so that none is closed by being forgotten."""
        self._texts = texts
        self._error = error
        self._hangs = hangs
        self._usage = usage
        self._generated_by = generated_by
        self._was_cut = was_cut

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        raise NotImplementedError

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        self.asked.append((list(request.messages), list(request.sources), request.language))
        self.is_asked.set()
        self._streams.append(self._say())
        return self._streams[-1]

    async def _say(self) -> AsyncGenerator[Delta]:
        try:
            for text in self._texts:
                yield Delta(text=text)
            if self._hangs:
                await self.goes_on.wait()
            if self._error is not None:
                raise self._error
            yield Delta(
                usage=self._usage, model="model-1", generated_by=self._generated_by, was_cut=self._was_cut
            )
        except (GeneratorExit, asyncio.CancelledError):
            self.is_hung_up.set()
            raise

    @property
    def paid_model(self) -> str:
        return ""

    async def abandon(self, prompt: Prompt) -> None:
        pass

    async def close(self) -> None: ...
