"""A provider whose calls are timed and whose tokens are counted: the innermost one, so that each call is seen alone."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

from shared.domain.errors import ProviderError
from shared.domain.llm.provider import Completion, Delta, Message, Prompt, Provider
from shared.domain.usage import Usage
from shared.runtime.observability.metrics.model_metrics import CHAT, ModelMetrics

T = TypeVar("T")


class MeteredProvider:
    """`by` names the provider, `model` what is asked for."""

    def __init__(self, provider: Provider, watch: ModelMetrics, *, by: str, model: str) -> None:
        self._provider = provider
        self._watch = watch
        self._by = by
        self._model = model

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        call = _Call(self._watch, self._by, self._model, prompt.job_kind)
        try:
            completion = await self._provider.complete(prompt, schema)
        except BaseException as error:
            call.break_off(error)
            raise
        call.end(completion.usage)
        return completion

    async def stream(
        self, messages: Sequence[Message], *, sources: Sequence[str], language: str, max_output_tokens: int
    ) -> AsyncGenerator[Delta]:
        call = _Call(self._watch, self._by, self._model, CHAT)
        deltas = cast(
            AsyncGenerator[Delta],
            self._provider.stream(
                messages, sources=sources, language=language, max_output_tokens=max_output_tokens
            ),
        )
        usage = Usage()
        try:
            async with aclosing(deltas):
                async for delta in deltas:
                    call.note_chunk()
                    usage = delta.usage or usage
                    yield delta
        except BaseException as error:
            call.break_off(error)
            raise
        call.end(usage)

    async def close(self) -> None:
        await self._provider.close()


class _Call:
    def __init__(self, watch: ModelMetrics, by: str, model: str, kind: str) -> None:
        self._watch = watch
        self._by = by
        self._model = model
        self._kind = kind
        self._began = time.perf_counter()
        self._has_chunk = False
        watch.began(model)

    def note_chunk(self) -> None:
        if not self._has_chunk:
            self._has_chunk = True
            self._watch.streamed(self._by, self._model, self._seconds)

    def end(self, usage: Usage, error: ProviderError | None = None) -> None:
        self._watch.ended(
            self._by, self._model, kind=self._kind, seconds=self._seconds, usage=usage, error=error
        )

    def break_off(self, error: BaseException) -> None:
        if isinstance(error, ProviderError):
            self.end(error.usage, error)
        else:
            self._watch.abandoned(self._model)

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self._began
