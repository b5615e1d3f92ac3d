"""The provider behind OpenAI's Chat Completions API, and behind every server that speaks it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NoReturn, TypeVar, cast

import msgspec
import structlog
from openai import AsyncOpenAI, AsyncStream, OpenAIError
from openai.types.chat import ChatCompletionChunk

from shared.adapters.llm.openai.client import OpenAIClient
from shared.adapters.llm.openai.errors import translate
from shared.adapters.llm.openai.prompt_rendering import Turn, render_chat, render_prompt, render_reask
from shared.adapters.llm.openai.request import RequestBuilder
from shared.adapters.llm.openai.response import ModelResponse, StreamedResponse, read_response
from shared.domain.errors import ProviderError, ProviderGarbled, ProviderRefused, ProviderUnavailable
from shared.domain.llm.provider import ChatRequest, Completion, Delta, Prompt
from shared.domain.usage import Usage

log = structlog.get_logger()

T = TypeVar("T")

GENERATED_BY = "openai"
TIMEOUT_SECONDS = 120.0
"""Time limit of one call, from its first byte to its last; well under the limit of an attempt (300 s)."""


class OpenAIProvider:
    """One model. Cancelling a call, or closing a stream, closes its HTTP connection."""

    def __init__(
        self,
        client: OpenAIClient,
        *,
        model: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        reasoning_effort: str = "",
        takes_own_fields: bool = True,
        on_rejected: Callable[[Usage, bool], None] = lambda _, __: None,
    ) -> None:
        """`reasoning_effort` and `takes_own_fields` are those of `RequestBuilder`. `on_rejected` is called with the usage
        of a response that does not fit the schema, and whether the model is asked again."""
        self._client = client
        self._model = model
        self._timeout_seconds = timeout_seconds
        self._on_rejected = on_rejected
        self._requests = RequestBuilder(
            model, reasoning_effort=reasoning_effort, takes_own_fields=takes_own_fields
        )

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Ask once, and once more with the reason if the response does not fit the schema. Raises `ProviderError`."""
        turns = render_prompt(prompt)
        first = await self._ask(turns, prompt, schema, spent=Usage())
        try:
            return self._completion(first, schema, first.usage)
        except msgspec.DecodeError as error:
            self._on_rejected(first.usage, True)
            reask = render_reask(turns, first.text, _rejection_reason(first, error))
        second = await self._ask(reask, prompt, schema, spent=first.usage)
        spent = first.usage + second.usage
        try:
            return self._completion(second, schema, spent)
        except msgspec.DecodeError:
            self._on_rejected(second.usage, False)
            self._fail(ProviderGarbled(usage=spent))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Stream the reply to a chat. Iterate inside `contextlib.aclosing`, so that stopping early ends the call at once.
        Raises `ProviderError`, whose usage covers what had arrived."""
        turns = render_chat(request.messages, request.sources, request.language)
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        response = StreamedResponse(turns, self._model)
        with self._client.lend() as client:
            async with await self._open(client, turns, request.max_output_tokens, deadline) as chunks:
                while (chunk := await self._next(chunks, deadline, response)) is not None:
                    if text := response.add(chunk):
                        yield Delta(text=text)
        if response.is_refused:
            self._fail(ProviderRefused(usage=response.usage))
        if not response.is_finished:  # a server may close the connection properly, but early
            self._fail(ProviderUnavailable(usage=response.usage, is_connected=False))
        yield Delta(usage=response.usage, model=response.model, generated_by=GENERATED_BY)

    async def close(self) -> None:
        await self._client.close()

    async def _ask(
        self, turns: Sequence[Turn], prompt: Prompt, schema: type[Any], *, spent: Usage
    ) -> ModelResponse:
        """Make one HTTP call. An error that it raises includes what was `spent` before."""
        request = self._requests.completion(turns, prompt, schema)
        try:
            with self._client.lend() as client:
                async with asyncio.timeout(self._timeout_seconds):
                    body = await _create(client, request)
            return read_response(body, turns)
        except (OpenAIError, TimeoutError) as error:
            self._fail(translate(error), spent)
        except ProviderError as error:
            self._fail(error, spent)

    async def _open(
        self, client: AsyncOpenAI, turns: Sequence[Turn], max_output_tokens: int, deadline: float
    ) -> AsyncStream[ChatCompletionChunk]:
        request = self._requests.chat(turns, max_output_tokens)
        try:
            async with asyncio.timeout_at(deadline):
                return await client.chat.completions.create(**request, stream=True)
        except (OpenAIError, TimeoutError) as error:
            self._fail(translate(error))

    async def _next(
        self, chunks: AsyncIterator[ChatCompletionChunk], deadline: float, response: StreamedResponse
    ) -> ChatCompletionChunk | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await anext(chunks, None)
        except (OpenAIError, TimeoutError, ValueError) as error:  # ValueError: a line is not JSON
            self._fail(translate(error), response.usage)

    def _completion(self, response: ModelResponse, schema: type[T], spent: Usage) -> Completion[T]:
        value = msgspec.json.decode(response.text, type=schema)
        model = response.model or self._model
        return Completion(value=value, usage=spent, model=model, generated_by=GENERATED_BY)

    def _fail(self, error: ProviderError, spent: Usage | None = None) -> NoReturn:
        """Raise our error without the vendor's, which holds the provider's words and perhaps the learner's."""
        error.usage += spent or Usage()
        log.warning("provider.failed", code=error.code, model=self._model, retry_in_seconds=error.retry_after)
        raise error from None


async def _create(client: AsyncOpenAI, request: dict[str, Any]) -> bytes:
    """Send a request and return the body of the response as it came."""
    create = cast(Callable[..., Awaitable[Any]], client.chat.completions.with_raw_response.create)
    return (await create(**request)).content


def _rejection_reason(response: ModelResponse, error: msgspec.DecodeError) -> str:
    return "it was cut off at the length limit, so write less" if response.was_cut else str(error)
