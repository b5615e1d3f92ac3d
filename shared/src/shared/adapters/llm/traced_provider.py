"""A provider whose every call is a span: which model, how many tokens, what went wrong. Never what was said."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

from shared.domain.errors import ProviderError
from shared.domain.llm.provider import Completion, Delta, Message, Prompt, Provider
from shared.domain.tracing import Leg, Span, Tracer
from shared.domain.usage import Usage

T = TypeVar("T")


class TracedProvider:
    """Sits right around the model, so that a span lasts as long as the call, and not as long as the wait for it."""

    def __init__(self, provider: Provider, tracer: Tracer, *, model: str) -> None:
        self._provider = provider
        self._tracer = tracer
        self._model = model

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        with self._tracer.span(Leg.CALL, model=self._model, max_tokens=prompt.max_output_tokens) as span:
            try:
                completion = await self._provider.complete(prompt, schema)
            except ProviderError as error:
                _note_usage(span, error.usage)
                raise
            _note_usage(span, completion.usage)
            span.note(answered_by=completion.model, generated_by=completion.generated_by)
            return completion

    async def stream(
        self, messages: Sequence[Message], *, sources: Sequence[str], language: str, max_output_tokens: int
    ) -> AsyncGenerator[Delta]:
        with self._tracer.span(Leg.CALL, model=self._model, max_tokens=max_output_tokens) as span:
            deltas = self._provider.stream(
                messages, sources=sources, language=language, max_output_tokens=max_output_tokens
            )
            try:
                async with aclosing(cast(AsyncGenerator[Delta], deltas)):
                    async for delta in deltas:
                        if delta.usage is not None:
                            _note_usage(span, delta.usage)
                            span.note(answered_by=delta.model, generated_by=delta.generated_by)
                        yield delta
            except ProviderError as error:
                _note_usage(span, error.usage)
                raise

    async def close(self) -> None:
        await self._provider.close()


def _note_usage(span: Span, usage: Usage) -> None:
    span.note(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
