"""Reads what a Chat Completions server returns, whole or streamed. What a person could read, this can read."""

import re
from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from shared.adapters.llm.openai.ladder.abilities import ThinkingStyle
from shared.adapters.llm.openai.prompt_rendering import Turn, count_turns
from shared.adapters.llm.openai.reading.content import (
    finish_reason,
    first_choice,
    join_content,
    message_of,
    replies_of,
    reply_of,
    text_of,
    thinking_of,
    unwrapped,
    usage_of,
)
from shared.adapters.llm.openai.reading.cumulative_text import CumulativeText
from shared.adapters.llm.openai.reading.end_marks import EndMarkFilter
from shared.adapters.llm.openai.reading.json_body import Fields, MalformedBody, decode_value, objects_in
from shared.adapters.llm.openai.reading.reported_usage import CallBounds, CheckedUsage, check_usage
from shared.adapters.llm.openai.reading.thinking import ThinkingFilter
from shared.adapters.llm.openai.refusals.errors import to_provider_error
from shared.adapters.llm.openai.refusals.server_error import read_server_error
from shared.adapters.llm.token_counter import count_tokens, without_surrogates
from shared.domain.provider_errors import ProviderGarbled, ProviderRefused, ProviderUnavailable
from shared.domain.usage import Usage

REFUSALS = frozenset(
    {
        "content_filter",
        "content_filtered",
        "refusal",
        "guardrail_intervened",
        "sensitive",
    }  # OpenAI, Anthropic, Bedrock, GLM
    | {"safety", "recitation", "prohibited_content", "blocklist", "spii"}  # Gemini
)
CUTS = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length"}
)  # OpenAI, Anthropic, Gemini, Mistral
FAILURES = frozenset(
    {"error", "network_error", "insufficient_system_resource", "abort"}
)  # OpenRouter, GLM, DeepSeek, vLLM and SGLang
"""What servers give as the reason for which a completion ended, in small letters."""
DONE = "[DONE]"
MAX_UNREADABLE_EVENTS = 20
"""How many events of one stream are passed over because they cannot be read. More are an outage and not a slip."""
CHARACTERS_PER_CHECK = 4_000
"""How much of a stream comes between two checks of its length."""
EXCESS = 1.25
"""Tokens, as a multiple of the limit, at which a stream is ended because the server ignores the limit. Our tokenizer may count
some more than the model's own."""
_MODEL_NAME = re.compile(r"[\w.:/@+-]{1,100}", re.ASCII)


class SentCall(Struct, frozen=True):
    """What was sent, as far as it bounds what the call can have cost."""

    turns: Sequence[Turn]
    request_bytes: int
    max_output_tokens: int

    def check(self, reported: object, text: str) -> CheckedUsage:
        """The usage, from the server's report and from our own count of what was sent and what came."""

        def count() -> Usage:
            return Usage(count_turns(self.turns), min(max(1, count_tokens(text)), self.max_output_tokens))

        bounds = CallBounds(
            count=count,
            max_prompt_tokens=self.request_bytes,
            max_completion_tokens=self.max_output_tokens,
        )
        return check_usage(reported, bounds)


class ModelResponse(Struct, frozen=True):
    """One whole response, before its text is decoded."""

    text: str
    usage: CheckedUsage
    model: str
    """The model's name as the server gave it; empty when it gave none."""
    was_cut: bool
    """Whether the text stopped at the length limit."""
    other_texts: Sequence[str] = ()
    """Where the reply may stand instead, such as the arguments of a function that the message calls."""


def read_completion(response: Fields, sent: SentCall) -> ModelResponse:
    """Read a decoded response. Raises `ProviderError` when the model refused, or the response is not a completion."""
    choice = first_choice(response)
    if not choice:
        raise ProviderUnavailable
    message, reason = message_of(choice), finish_reason(choice)
    thinking = without_surrogates(thinking_of(message))
    found = [without_surrogates(text) for text in replies_of(message)]
    text, *others = found or [without_surrogates(text_of(choice, "text"))]
    usage = sent.check(usage_of(response), thinking + text)
    if message.get("refusal") or reason in REFUSALS:
        raise ProviderRefused(usage=usage.usage)
    if reason in FAILURES and not text:
        raise ProviderUnavailable(usage=usage.usage)
    was_cut = reason in CUTS
    if thinking and not text and not was_cut:  # some servers take all that a model wrote for its thinking
        others = [thinking]
    return ModelResponse(text, usage, model_name(response), was_cut=was_cut, other_texts=others)


def is_error(response: Fields) -> bool:
    """Whether a reply of status 200 is an error: some servers send an empty form of one beside a completion."""
    error = response.get("error") or response.get("object") == "error"
    if not error or (isinstance(error, dict) and not any(cast(Fields, error).values())):
        return False
    choice = first_choice(response)
    return not reply_of(message_of(choice)) or finish_reason(choice) in FAILURES


class StreamedResponse:
    """What has arrived of a streamed response so far."""

    def __init__(self, sent: SentCall, model: str, thinking: ThinkingStyle = ThinkingStyle.MARKED) -> None:
        self.model = model
        self.is_refused = False
        self.is_finished = False
        self.is_done = False
        """Whether the server has said that nothing follows."""
        self.was_cut = False
        """Whether the reply stopped at the length limit, the server's or ours."""
        self.ignores_limit = False
        """Whether the server went on beyond the limit that it was sent."""
        self._sent = sent
        self._received: list[str] = []
        """All text, the thinking too: it is paid for."""
        self._characters = 0
        self._checked_characters = sent.max_output_tokens
        self._reported: object = None
        self._half = ""
        self.unreadable_events = self._readable_events = 0
        self._pieces = CumulativeText()
        self._filter = ThinkingFilter(thinking)
        self._end_marks = EndMarkFilter()

    def add(self, data: str) -> str:
        """Add the data of one event and return the text to show. Raises `ProviderError`."""
        data = data.strip("\ufeff \r\n\t")
        if data.strip('"').upper() == DONE:
            self.is_finished = self.is_done = True
            return ""
        if not data.startswith(("{", "[")):  # some servers send a word to keep the connection open
            return ""
        try:
            chunks = objects_in(decode_value(data))
        except MalformedBody:
            self._pass_over()
            return ""
        self._readable_events += 1
        return "".join(self._add_chunk(unwrapped(chunk)) for chunk in chunks)

    def end(self) -> str:
        """Return text that was held back, and may be shown after all."""
        self._received.append(self._pieces.end())
        left = self._filter.add(self._received[-1]) + self._filter.end(was_cut=self.was_cut)
        return self._end_marks.add(left) + self._end_marks.end()

    @property
    def is_unreadable(self) -> bool:
        """Whether something came and none of it could be read."""
        return bool(self.unreadable_events) and not self._readable_events

    @property
    def thinking(self) -> ThinkingStyle:
        """Where the model's thinking stands, as far as this reply tells."""
        return self._filter.learned_style(was_cut=self.was_cut)

    @property
    def usage(self) -> CheckedUsage:
        return self._sent.check(self._reported, "".join(self._received))

    def _pass_over(self) -> None:
        """One line that cannot be read ends no stream, because what comes after it can be."""
        self.unreadable_events += 1
        if self.unreadable_events > MAX_UNREADABLE_EVENTS:
            raise ProviderGarbled

    def _add_chunk(self, chunk: Fields) -> str:
        if is_error(chunk):
            raise to_provider_error(read_server_error(chunk, 0, {}))
        self.model = model_name(chunk) or self.model
        self._reported = usage_of(chunk) or self._reported
        choice = first_choice(chunk)
        delta = message_of(choice)
        self._finish(finish_reason(choice), has_refusal=bool(delta.get("refusal")))
        text = self._join_halves(join_content(delta.get("content")) or text_of(choice, "text"))
        is_whole = not choice.get("delta") and "message" in choice and "done" not in choice
        text = self._pieces.add_whole(text) if is_whole else self._pieces.add(text)
        if thinking := thinking_of(delta):
            self._filter.trust_marks()
        self._received.append(thinking + text)
        self._check_length()
        return self._end_marks.add(self._filter.add(text))

    def _join_halves(self, text: str) -> str:
        """Join a character outside the Basic Multilingual Plane whose two halves came in two chunks."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return without_surrogates(text.removesuffix(self._half) if self._half else text)

    def _finish(self, reason: str, *, has_refusal: bool) -> None:
        self.is_refused |= has_refusal or reason in REFUSALS
        if reason in FAILURES:
            raise ProviderUnavailable
        self.was_cut |= reason in CUTS
        self.is_finished |= bool(reason)

    def _check_length(self) -> None:
        self._characters += len(self._received[-1])
        if self._characters < self._checked_characters:
            return
        self._checked_characters = self._characters + CHARACTERS_PER_CHECK
        if count_tokens("".join(self._received)) > self._sent.max_output_tokens * EXCESS:
            self.ignores_limit = self.was_cut = self.is_finished = True


def model_name(response: Fields) -> str:
    """The server's name of the model, or nothing if it does not look like a name: logs and traces show it, and they must
    hold no free text."""
    name = text_of(response, "model")
    return name if _MODEL_NAME.fullmatch(name) else ""
