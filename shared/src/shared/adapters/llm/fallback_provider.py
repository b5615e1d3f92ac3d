"""A chain of models: when one cannot answer now, the next is asked."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from msgspec.structs import replace

from shared.domain.decisive_error import most_hopeful
from shared.domain.llm.provider import ChatRequest, Completion, Delta, Prompt, Provider
from shared.domain.provider_errors import ProviderError
from shared.domain.usage import Usage

T = TypeVar("T")


class FallbackProvider:
    """Asks each provider in turn, as long as the error is one that another may not have (`may_fall_back`); an error that the
    input caused is raised at once.

    The usage includes what failed providers cost. If all fail, the most hopeful error is raised.
    """

    def __init__(
        self, providers: Sequence[Provider], *, on_fallback: Callable[[int, int], None] = lambda _, __: None
    ) -> None:
        """`on_fallback` is called with the index of the provider that failed and of the one that is asked next."""
        self._providers = providers
        self._on_fallback = on_fallback

    @property
    def paid_model(self) -> str:
        return self._providers[0].paid_model

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        failed: list[ProviderError] = []
        for provider in self._providers:
            try:
                completion = await provider.complete(prompt, schema)
            except ProviderError as error:
                self._add_failure(error, failed)
            else:
                for other in self._providers[: len(failed)]:
                    await other.abandon(prompt)
                usage = completion.usage + _spent(failed)
                return replace(completion, usage=usage, fallback_used=bool(failed))
        raise _decisive(failed)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Falls back only before the first words, so that no reader sees two beginnings."""
        failed: list[ProviderError] = []
        for provider in self._providers:
            has_begun = False
            try:
                async with aclosing(provider.stream(request)) as deltas:
                    async for delta in deltas:
                        has_begun = has_begun or bool(delta.text)
                        yield _with_spent(delta, failed)
                return
            except ProviderError as error:
                self._add_failure(error, failed, is_final=has_begun)
        raise _decisive(failed)

    async def abandon(self, prompt: Prompt) -> None:
        for provider in self._providers:
            await provider.abandon(prompt)

    async def close(self) -> None:
        for provider in self._providers:
            await provider.close()

    def _add_failure(
        self, error: ProviderError, failed: list[ProviderError], *, is_final: bool = False
    ) -> None:
        """Add the error to `failed` if the next provider may be asked; else raise it."""
        if is_final or not error.may_fall_back:
            error.usage += _spent(failed)
            raise error
        failed.append(error)
        if len(failed) < len(self._providers):
            self._on_fallback(len(failed) - 1, len(failed))


def _with_spent(delta: Delta, failed: Sequence[ProviderError]) -> Delta:
    if delta.usage is None or not failed:
        return delta
    return replace(delta, usage=delta.usage + _spent(failed))


def _spent(failed: Sequence[ProviderError]) -> Usage:
    return sum((error.usage for error in failed), Usage())


def _decisive(failed: Sequence[ProviderError]) -> ProviderError:
    usage = _spent(failed)
    error = most_hopeful(failed)
    error.usage = usage
    return error
