"""The provider behind OpenAI's Chat Completions API, and behind every server that speaks it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import httpx2
import msgspec
import structlog
from msgspec.structs import replace
from openai import OpenAIError

from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.llm.openai.background.background_request import (
    is_background,
    output_limit,
    to_background,
)
from shared.adapters.llm.openai.background.background_responses import BackgroundResponses
from shared.adapters.llm.openai.background.response_slot import ResponseSlot
from shared.adapters.llm.openai.client import ModelServerClient
from shared.adapters.llm.openai.ladder.abilities import (
    OPENAI,
    Abilities,
    LimitField,
    ThinkingStyle,
    may_limit_output,
)
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.prompt_rendering import Turn, render_chat, render_prompt, render_reask
from shared.adapters.llm.openai.reading.background_response import read_background_response
from shared.adapters.llm.openai.reading.draft_reading import first_mark, read_draft, read_partial_draft
from shared.adapters.llm.openai.reading.reported_usage import CheckedUsage
from shared.adapters.llm.openai.reading.response import (
    ModelResponse,
    SentCall,
    StreamedResponse,
)
from shared.adapters.llm.openai.reading.whole_body import read_response
from shared.adapters.llm.openai.refusals.errors import translate
from shared.adapters.llm.openai.request import Request, RequestBuilder
from shared.adapters.llm.openai.sender import Build, RequestSender, letters_of_learner
from shared.domain.llm.provider import ChatRequest, Completion, Delta, Prompt
from shared.domain.provider_errors import (
    ProviderError,
    ProviderGarbled,
    ProviderRefused,
    ProviderTimedOut,
    ProviderUnavailable,
)
from shared.domain.study.draft_language import count_in_language, is_in_other_language
from shared.domain.text.language_names import language_name
from shared.domain.usage import Usage

log = structlog.get_logger()

T = TypeVar("T")

GENERATED_BY = "openai"
CALLS = ("first", "second")
"""Names of the calls of one step: the second asks again."""
TIMEOUT_SECONDS = 120.0
"""Time limit of one call, from its first byte to its last; well under the limit of an attempt (300 s)."""
THINKING_WORD = "think"
"""Every common mark of thinking holds it."""
FINISHED_SECONDS = 3.0
"""How long a server may take for what follows a finish reason: token counts, or text, where it gives a reason with every piece."""
DONE_SECONDS = 0.2
"""How long the end of a stream is waited for that has said `[DONE]`, so that its connection can be used again."""
NOTHING_SPENT = Usage()
REJECTED_CHARACTERS = 3
"""Characters of a rejected text that are sent back for each token that was asked for: no more than a budget's hold covers,
whatever a server that ignores the limit has sent."""
TEMPLATE_BYTES = 2_000
"""What a server's chat template may add to a request, for the bound on its token count."""


class OpenAIProvider:
    """One model. Cancelling a call, or closing a stream, closes its HTTP connection."""

    def __init__(
        self,
        client: ModelServerClient,
        *,
        model: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        reasoning_effort: str = "",
        learned: LearnedAbilities | None = None,
        names_refusals: bool = False,
        background: BackgroundResponses | None = None,
        on_rejected: Callable[[Usage, bool], None] = lambda _, __: None,
        on_usage_corrected: Callable[[], None] = lambda: None,
    ) -> None:
        """`learned` is what the server accepts; without it, what OpenAI's accepts. `names_refusals` says that a refusal always
        names what it is about, as OpenAI's do; after another server's, the plainest request is tried. With `background`, calls for jobs
        are made as background responses where the server has them. `on_rejected` is called
        with the usage of a response that cannot be used, and whether the model is asked again; `on_usage_corrected` when a
        server reported token counts that the call cannot have had."""
        self._client = client
        self._model = model
        self._timeout_seconds = timeout_seconds
        self._on_rejected = on_rejected
        self._on_usage_corrected = on_usage_corrected
        self._background = background
        self._requests = RequestBuilder(model, reasoning_effort=reasoning_effort)
        self._learned = learned or LearnedAbilities(OPENAI, model=model, is_known=True)
        self._is_compatible = learned is not None and not names_refusals
        self._sender = RequestSender(self._learned, tries_plainest=self._is_compatible)

    @property
    def paid_model(self) -> str:
        return self._model

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Ask once, and once more with the reason if the response cannot be used. Raises `ProviderError`."""
        slots = [self._slot(prompt, name) for name in CALLS]
        try:
            return await self._complete(prompt, schema, slots)
        except ProviderError as error:
            if error.usage.total:
                for slot in slots:
                    if slot:
                        await slot.spend()
            raise

    async def _complete(
        self, prompt: Prompt, schema: type[T], slots: Sequence[ResponseSlot | None]
    ) -> Completion[T]:
        turns = render_prompt(prompt)
        first = await self._ask(turns, prompt, schema, slots[0], spent=Usage())
        reading = read_draft(first, schema, prompt.counts)
        if reading.value is not None and await _fits_language(reading.value, prompt):
            return self._completion(reading.value, first, first.usage.usage)
        self._reject(first, is_asked_again=True)
        reason = reading.reason or f"it has to be written in {language_name(prompt.language)}"
        if reading.needs_room:
            prompt = replace(prompt, max_output_tokens=2 * prompt.max_output_tokens)
        else:
            turns = render_reask(turns, first.text[: prompt.max_output_tokens * REJECTED_CHARACTERS], reason)
        second = await self._ask(turns, prompt, schema, slots[1], spent=first.usage.usage)
        spent = first.usage.usage + second.usage.usage
        drafts = [(read_partial_draft(response, schema), response) for response in (second, first)]
        usable = [(value, response) for value, response in drafts if value is not None]
        for value, response in usable:
            if await _fits_language(value, prompt):
                return self._completion(value, response, spent)
        if usable:  # better than nothing; the result's `quality` says so
            value, response = await run_in_cpu_pool(_nearest_to_language, usable, prompt.language)
            return self._completion(value, response, spent)
        self._reject(second, is_asked_again=False)
        raise self._failure(ProviderGarbled(usage=spent))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Stream the reply to a chat. Iterate inside `contextlib.aclosing`, so that stopping early ends the call at once.
        Raises `ProviderError`, whose usage covers what had arrived."""
        turns = render_chat(request.messages, request.sources, request.language)
        build = partial(
            self._requests.chat,
            turns,
            max_output_tokens=request.max_output_tokens,
            safety_id=request.safety_id,
        )
        deadline = self._deadline()
        async with AsyncExitStack() as stack:
            async with self._translate_errors(deadline):
                sent = await stack.enter_async_context(self._sender.send(self._client, build, turns))
            response = StreamedResponse(_sent_call(sent.request, turns), self._model, sent.abilities.thinking)
            events = await stack.enter_async_context(aclosing(sent.reply.events()))
            while not response.ignores_limit:
                async with self._translate_errors(deadline, response):
                    if (data := await _next_event(events, response)) is None:
                        break
                    text = response.add(data)
                if text:
                    yield Delta(text=text)
        if held_back := response.end():
            yield Delta(text=held_back)
        last = await self._last_delta(response)
        await self._learn_thinking(sent.abilities, response.thinking, turns)
        yield last

    async def abandon(self, prompt: Prompt) -> None:
        """Cancel the background responses that were kept for the prompt and not received."""
        for name in CALLS:
            if self._background and (slot := self._slot(prompt, name)):
                await self._background.abandon(self._client, slot)

    async def close(self) -> None:
        await self._client.close()

    async def _ask(
        self,
        turns: Sequence[Turn],
        prompt: Prompt,
        schema: type[Any],
        slot: ResponseSlot | None,
        *,
        spent: Usage,
    ) -> ModelResponse:
        """Make one call, or wait for the response to it that was begun before. An error that it raises includes what was `spent`
        before."""

        def build(abilities: Abilities) -> Request:
            request = self._requests.completion(
                turns, prompt, schema, abilities, max_output_tokens=prompt.max_output_tokens
            )
            return slot.sign(to_background(request)) if slot and abilities.background else request

        try:
            async with self._translate_errors(self._deadline(), spent=spent):
                response = slot and await self._resume(self._client, build, turns, slot)
                response = response or await self._send(self._client, build, turns, slot)
        except ProviderTimedOut:
            await self._try_other_limit()
            raise
        was_background = slot is not None and self._learned.current.background
        await self._check_report(response.usage, may_learn=not was_background)
        return response

    async def _send(
        self, client: ModelServerClient, build: Build, turns: Sequence[Turn], slot: ResponseSlot | None
    ) -> ModelResponse:
        async with self._sender.send(client, build, turns) as sent:
            call = _sent_call(sent.request, turns)
            if slot and self._background and is_background(sent.request):
                async with aclosing(sent.reply.events()) as events:
                    completed = await self._background.receive(client, events, slot)
                if not completed.get("background"):  # the server does not know the field
                    await self._learned.learn(sent.abilities, replace(sent.abilities, background=False))
                return read_background_response(completed, call)
            return read_response(sent.reply.body, call)

    async def _resume(
        self, client: ModelServerClient, build: Build, turns: Sequence[Turn], slot: ResponseSlot
    ) -> ModelResponse | None:
        if self._background and (completed := await self._background.resume(client, slot)):
            request = build(self._learned.current)
            return read_background_response(completed, _sent_call(request, turns))
        return None

    def _slot(self, prompt: Prompt, name: str) -> ResponseSlot | None:
        """Where the response of a call is kept, if it is made in the background."""
        if self._background is None or prompt.keeper is None:
            return None
        return ResponseSlot(prompt.keeper, f"{self._model}:{name}")

    async def _last_delta(self, response: StreamedResponse) -> Delta:
        checked = response.usage
        if response.unreadable_events:
            log.warning("provider.events_passed_over", model=self._model, count=response.unreadable_events)
        if response.is_refused:
            raise self._failure(ProviderRefused(usage=checked.usage))
        if response.is_unreadable:
            raise self._failure(ProviderGarbled(usage=checked.usage))
        if not response.is_finished:  # a server may close the connection properly, but early
            raise self._failure(ProviderUnavailable(usage=checked.usage, is_connected=False))
        await self._check_report(checked, ignores_limit=response.ignores_limit)
        return Delta(
            usage=checked.usage, model=response.model, generated_by=GENERATED_BY, was_cut=response.was_cut
        )

    async def _check_report(
        self, checked: CheckedUsage, *, ignores_limit: bool = False, may_learn: bool = True
    ) -> None:
        """A server that goes beyond the limit does not know the field; it may know the other one."""
        if checked.is_corrected:
            self._on_usage_corrected()
            log.warning("provider.usage_corrected", model=self._model)
        abilities = self._learned.current
        if may_learn and (ignores_limit or checked.is_beyond_limit) and may_limit_output(abilities):
            await self._learned.learn(abilities, replace(abilities, limit_field=LimitField.OUTPUT))

    async def _try_other_limit(self) -> None:
        """A completion that does not end may be one whose limit the server ignores. A server other than OpenAI's that knows both
        fields loses nothing by the other one."""
        abilities = self._learned.current
        if self._is_compatible and may_limit_output(abilities):
            await self._learned.learn(abilities, replace(abilities, limit_field=LimitField.OUTPUT))

    async def _learn_thinking(
        self, abilities: Abilities, thinking: ThinkingStyle, turns: Sequence[Turn]
    ) -> None:
        """A learner may have had the model write a mark; then the reply tells nothing."""
        if thinking is not abilities.thinking and THINKING_WORD not in letters_of_learner(turns):
            await self._learned.learn(abilities, replace(abilities, thinking=thinking))

    def _completion(self, value: T, response: ModelResponse, spent: Usage) -> Completion[T]:
        return Completion(
            value=value, usage=spent, model=response.model or self._model, generated_by=GENERATED_BY
        )

    def _reject(self, response: ModelResponse, *, is_asked_again: bool) -> None:
        self._on_rejected(response.usage.usage, is_asked_again)
        log.info(
            "provider.unreadable",
            model=self._model,
            is_asked_again=int(is_asked_again),
            characters=len(response.text),
            begins_with=first_mark(response),
            was_cut=int(response.was_cut),
        )

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._timeout_seconds

    @asynccontextmanager
    async def _translate_errors(
        self, deadline: float, response: StreamedResponse | None = None, *, spent: Usage = NOTHING_SPENT
    ) -> AsyncGenerator[None]:
        """Raise our error for every error of the call, with what was spent before and what had arrived."""
        try:
            async with asyncio.timeout_at(deadline):
                yield
        except (OpenAIError, httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise self._failure(translate(error), response.usage.usage if response else spent) from None
        except ProviderError as error:
            raise self._failure(error, response.usage.usage if response else spent) from None

    def _failure(self, error: ProviderError, spent: Usage = NOTHING_SPENT) -> ProviderError:
        """Log our error and return it. It is raised without the vendor's, which holds the provider's words and perhaps the
        learner's."""
        error.usage += spent
        log.warning("provider.failed", code=error.code, model=self._model, retry_in_seconds=error.retry_after)
        return error


async def _next_event(events: AsyncGenerator[str], response: StreamedResponse) -> str | None:
    """The data of the next event; None at the end. When the reply has ended, only token counts may follow: a server that keeps the
    connection open then, or breaks it, does no harm."""
    if not response.is_finished:
        return await anext(events, None)
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(DONE_SECONDS if response.is_done else FINISHED_SECONDS):
            return await anext(events, None)
    return None


async def _fits_language(draft: object, prompt: Prompt) -> bool:
    return not await run_in_cpu_pool(is_in_other_language, draft, prompt.language)


def _nearest_to_language(usable: Sequence[tuple[T, ModelResponse]], language: str) -> tuple[T, ModelResponse]:
    return max(usable, key=lambda draft: count_in_language(draft[0], language))


def _sent_call(request: Request, turns: Sequence[Turn]) -> SentCall:
    body = {name: value for name, value in request.items() if name != "extra_headers"}
    return SentCall(
        turns,
        request_bytes=len(msgspec.json.encode(body)) + TEMPLATE_BYTES,
        max_output_tokens=output_limit(request),
    )
