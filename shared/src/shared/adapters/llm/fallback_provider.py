"""A chain of providers: when one cannot answer now, the next is asked."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

import msgspec
import structlog

from shared.domain.errors import ProviderError
from shared.domain.llm.provider import Completion, Delta, Message, Prompt, Provider
from shared.domain.usage import Usage

log = structlog.get_logger()

T = TypeVar("T")


class FallbackProvider:
    """Asks each in turn while the fault is one that another may not have (`may_fall_back`): never because of the input.

    What failed tries cost is part of the usage. When all fail, raises the error that leaves most hope.
    """

    def __init__(
        self, providers: Sequence[Provider], *, on_fallback: Callable[[int, int], None] = lambda _, __: None
    ) -> None:
        """`on_fallback` is told which of them failed, and which is asked instead."""
        self._providers = providers
        self._on_fallback = on_fallback

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        failed: list[ProviderError] = []
        for provider in self._providers:
            try:
                completion = await provider.complete(prompt, schema)
            except ProviderError as error:
                self._note(error, failed)
            else:
                usage = completion.usage + _spent(failed)
                return msgspec.structs.replace(completion, usage=usage, fallback_used=bool(failed))
        raise _chief(failed)

    async def stream(
        self, messages: Sequence[Message], *, sources: Sequence[str], language: str, max_output_tokens: int
    ) -> AsyncGenerator[Delta]:
        """Falls back only until the first words are out: nobody wants two beginnings."""
        failed: list[ProviderError] = []
        for provider in self._providers:
            has_begun = False
            deltas = cast(
                AsyncGenerator[Delta],
                provider.stream(
                    messages, sources=sources, language=language, max_output_tokens=max_output_tokens
                ),
            )
            try:
                async with aclosing(deltas):
                    async for delta in deltas:
                        has_begun = True
                        yield _with_spent(delta, failed)
                return
            except ProviderError as error:
                self._note(error, failed, is_final=has_begun)
        raise _chief(failed)

    async def close(self) -> None:
        for provider in self._providers:
            await provider.close()

    def _note(self, error: ProviderError, failed: list[ProviderError], *, is_final: bool = False) -> None:
        """Go on with the next, or raise."""
        if is_final or not error.may_fall_back:
            error.usage += _spent(failed)
            raise error
        failed.append(error)
        if len(failed) < len(self._providers):
            self._on_fallback(len(failed) - 1, len(failed))


def _with_spent(delta: Delta, failed: Sequence[ProviderError]) -> Delta:
    if delta.usage is None or not failed:
        return delta
    return msgspec.structs.replace(delta, usage=delta.usage + _spent(failed))


def _spent(failed: Sequence[ProviderError]) -> Usage:
    return sum((error.usage for error in failed), Usage())


def _chief(failed: Sequence[ProviderError]) -> ProviderError:
    """One that a later try may mend rather than one that it will not; the first of them, with what all of them cost."""
    usage = _spent(failed)
    chief = next((error for error in failed if error.is_retryable), failed[0])
    chief.usage = usage
    return chief
