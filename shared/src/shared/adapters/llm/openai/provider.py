"""The provider behind OpenAI's Chat Completions API, and behind every server that speaks it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NoReturn, TypeVar, cast

import httpx2
import msgspec
import structlog
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    AsyncStream,
    DefaultAsyncHttpxClient,
    OpenAIError,
)
from openai.types.chat import ChatCompletionChunk

from shared.adapters.llm.openai.errors import provider_error
from shared.adapters.llm.openai.json_schema import strict_schema
from shared.adapters.llm.openai.prompt_rendering import Turn, render_chat, render_prompt, render_reask
from shared.adapters.llm.openai.response import (
    CONTENT_FILTER,
    Answer,
    ReportedUsage,
    name_of,
    read_reply,
    usage_of,
)
from shared.domain.errors import (
    ProviderError,
    ProviderGarbled,
    ProviderRefused,
    ProviderTimedOut,
    ProviderUnavailable,
)
from shared.domain.llm.provider import Completion, Delta, Message, Prompt
from shared.domain.usage import Usage

log = structlog.get_logger()

T = TypeVar("T")

GENERATED_BY = "openai"
TIMEOUT_SECONDS = 120.0
"""Of one call, from its first byte to its last: well under the limit of an attempt."""
CONNECT_SECONDS = 20.0
"""A machine that is there answers in less, even when this process begins thousands of calls at once."""
CALLS_PER_POOL = 50
"""A connection pool looks at all of its connections for each call: 2,000 calls in one pool take more than twice the
processor time that they take in forty."""
KEPT_PER_POOL = 10
"""Idle connections, for the next call: a handshake costs more than the memory."""


class OpenAIClient:
    """Clients of one server, each with its own connections: the first takes all calls until there are many at once.

    Never retries by itself: attempts are counted by the job.
    """

    def __init__(self, make: Callable[[], AsyncOpenAI]) -> None:
        self._make = make
        self._clients: list[AsyncOpenAI] = []
        self._calls: list[int] = []

    @contextmanager
    def lend(self) -> Generator[AsyncOpenAI]:
        """For one call: the first client with room for it."""
        index = next((i for i, calls in enumerate(self._calls) if calls < CALLS_PER_POOL), len(self._calls))
        if index == len(self._clients):
            self._clients.append(self._make())
            self._calls.append(0)
        self._calls[index] += 1
        try:
            yield self._clients[index]
        finally:
            self._calls[index] -= 1

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


def connect(api_key: str, *, base_url: str | None = None) -> OpenAIClient:
    """Opens nothing before the first call. Several providers may share it."""
    tls = httpx2.create_ssl_context()
    limits = httpx2.Limits(max_keepalive_connections=KEPT_PER_POOL)
    timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)  # the rest is under the call's own deadline

    def make() -> AsyncOpenAI:
        http_client = DefaultAsyncHttpxClient(verify=tls, limits=limits, timeout=timeout)
        return AsyncOpenAI(
            api_key=api_key, base_url=base_url, timeout=timeout, max_retries=0, http_client=http_client
        )

    return OpenAIClient(make)


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
        """`reasoning_effort`: as the model knows it; empty leaves it to the model. `takes_own_fields`: the server knows
        the fields only OpenAI has; others may refuse what they do not know. `on_rejected` is told what an answer cost
        that did not fit, and whether another one is asked for."""
        self._client = client
        self._model = model
        self._timeout_seconds = timeout_seconds
        self._takes_own_fields = takes_own_fields
        self._on_rejected = on_rejected
        self._fixed: dict[str, Any] = {"model": model}
        if reasoning_effort:
            self._fixed["reasoning_effort"] = reasoning_effort
        if takes_own_fields:
            self._fixed["store"] = False

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Ask; ask once more, with the reason, when the answer does not fit. Raises `ProviderError`."""
        first = render_prompt(prompt)
        answer = await self._ask(first, prompt, schema, spent=Usage())
        try:
            return self._completion(answer, schema, answer.usage)
        except msgspec.DecodeError as error:
            self._on_rejected(answer.usage, True)
            second = render_reask(first, answer.text, _why(answer, error))
        reanswer = await self._ask(second, prompt, schema, spent=answer.usage)
        spent = answer.usage + reanswer.usage
        try:
            return self._completion(reanswer, schema, spent)
        except msgspec.DecodeError:
            self._on_rejected(reanswer.usage, False)
            self._fail(ProviderGarbled(usage=spent))

    async def stream(
        self, messages: Sequence[Message], *, sources: Sequence[str], language: str, max_output_tokens: int
    ) -> AsyncGenerator[Delta]:
        """Answer a chat as it comes. Iterate inside `contextlib.aclosing`: a consumer that stops early then ends the
        call at once. Raises `ProviderError`, whose usage covers what had been received."""
        turns = render_chat(messages, sources, language)
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        received = _Received(turns, self._model)
        with self._client.lend() as client:
            async with await self._open(client, turns, max_output_tokens, deadline) as chunks:
                while (chunk := await self._next(chunks, deadline, received)) is not None:
                    if text := received.take(chunk):
                        yield Delta(text=text)
        if received.is_refused:
            self._fail(ProviderRefused(usage=received.usage))
        if not received.is_finished:  # a connection may be closed in good order, and early
            self._fail(ProviderUnavailable(usage=received.usage, is_connected=False))
        yield Delta(usage=received.usage, model=received.model, generated_by=GENERATED_BY)

    async def close(self) -> None:
        await self._client.close()

    # -- one call -----------------------------------------------------------------------------------------------

    async def _ask(self, turns: Sequence[Turn], prompt: Prompt, schema: type[Any], *, spent: Usage) -> Answer:
        """One HTTP call. What it raises includes what was `spent` before it."""
        request: dict[str, Any] = {
            **self._request(turns, prompt.max_output_tokens),
            "response_format": _response_format(schema),
        }
        if prompt.call_id:
            request["extra_headers"] = {"X-Client-Request-Id": prompt.call_id}
        if self._takes_own_fields:
            request |= _own_fields(prompt)
        try:
            with self._client.lend() as client:
                async with asyncio.timeout(self._timeout_seconds):
                    raw = await cast(Any, client.chat.completions.with_raw_response).create(**request)
            return read_reply(raw.content, turns)
        except (OpenAIError, TimeoutError) as error:
            self._fail(_translate(error), spent)
        except ProviderError as error:
            self._fail(error, spent)

    async def _open(
        self, client: AsyncOpenAI, turns: Sequence[Turn], max_output_tokens: int, deadline: float
    ) -> AsyncStream[ChatCompletionChunk]:
        request = self._request(turns, max_output_tokens)
        try:
            async with asyncio.timeout_at(deadline):
                return await client.chat.completions.create(
                    **request, stream=True, stream_options={"include_usage": True}
                )
        except (OpenAIError, TimeoutError) as error:
            self._fail(_translate(error))

    async def _next(
        self, chunks: AsyncIterator[ChatCompletionChunk], deadline: float, received: "_Received"
    ) -> ChatCompletionChunk | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await anext(chunks, None)
        except (OpenAIError, TimeoutError, ValueError) as error:  # ValueError: a line that is no JSON
            self._fail(_translate(error), received.usage)

    def _request(self, turns: Sequence[Turn], max_output_tokens: int) -> dict[str, Any]:
        return {**self._fixed, "messages": turns, "max_completion_tokens": max_output_tokens}

    def _completion(self, answer: Answer, schema: type[T], spent: Usage) -> Completion[T]:
        value = msgspec.json.decode(answer.text, type=schema)
        return Completion(
            value=value, usage=spent, model=answer.model or self._model, generated_by=GENERATED_BY
        )

    def _fail(self, error: ProviderError, spent: Usage | None = None) -> NoReturn:
        """Raise our error alone: the vendor's holds the provider's words, and may hold the learner's."""
        error.usage += spent or Usage()
        log.warning("provider.failed", code=error.code, model=self._model, retry_in_seconds=error.retry_after)
        raise error from None


class _Received:
    """What has come of a stream so far."""

    def __init__(self, turns: Sequence[Turn], model: str) -> None:
        self.model = model
        self.is_refused = False
        self.is_finished = False
        self._turns = turns
        self._texts: list[str] = []
        self._reported: ReportedUsage | None = None

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Note a chunk; returns its text."""
        self.model = name_of(chunk.model) or self.model
        if chunk.usage is not None:
            self._reported = ReportedUsage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self.is_refused |= bool(choice.delta.refusal) or choice.finish_reason == CONTENT_FILTER
        self.is_finished |= choice.finish_reason is not None
        text = choice.delta.content or ""
        self._texts.append(text)
        return text

    @property
    def usage(self) -> Usage:
        return usage_of(self._reported, self._turns, "".join(self._texts))


def _translate(error: Exception) -> ProviderError:
    match error:
        case APITimeoutError() | TimeoutError():
            return ProviderTimedOut()
        case APIStatusError():
            return provider_error(error.status_code, (error.code, error.type), error.response.headers)
        case APIConnectionError():
            return ProviderUnavailable(is_connected=False)
        case APIError():
            return provider_error(None, (error.code, error.type), {})
        case _:
            return ProviderUnavailable(is_connected=False)


def _why(answer: Answer, error: msgspec.DecodeError) -> str:
    return "it was cut off at the length limit, so write less" if answer.was_cut else str(error)


def _own_fields(prompt: Prompt) -> dict[str, str]:
    fields = {"prompt_cache_key": prompt.cache_key, "safety_identifier": prompt.safety_id}
    return {name: value for name, value in fields.items() if value}


@lru_cache(maxsize=64)
def _response_format(schema: type[Any]) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": schema.__name__, "strict": True, "schema": strict_schema(schema)},
    }
