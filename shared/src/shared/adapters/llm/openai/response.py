"""Reads what a Chat Completions server returns, whole or streamed: only the fields that are used, so that any compatible
server will do."""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from openai.types.chat import ChatCompletionChunk

from shared.adapters.llm.openai.errors import provider_error
from shared.adapters.llm.openai.prompt_rendering import Turn, count_turns
from shared.adapters.llm.token_counter import count_tokens
from shared.domain.errors import ProviderRefused, ProviderUnavailable
from shared.domain.usage import Usage

CONTENT_FILTER = "content_filter"
_MODEL_NAME = re.compile(r"[\w.:/@+-]{1,100}", re.ASCII)


class ReportedUsage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ModelResponse(Struct, frozen=True):
    """One whole response, before its text is decoded."""

    text: str
    usage: Usage
    model: str
    """The model's name as the server gave it; empty when it gave none."""
    was_cut: bool
    """Whether the text stopped at the length limit."""


def read_response(body: bytes, turns: Sequence[Turn]) -> ModelResponse:
    """Raises `ProviderError` when the model refused, the server sent an error as a success, or the body is not JSON."""
    try:
        response = _decoder.decode(body)
    except msgspec.DecodeError:  # for example an HTML page from a proxy
        raise ProviderUnavailable from None
    if response.error is not None:
        raise provider_error(None, (response.error.code, response.error.type), {})
    if not response.choices:
        raise ProviderUnavailable
    choice = response.choices[0]
    text = choice.message.content or ""
    usage = _usage(response.usage, turns, text)
    if choice.message.refusal or choice.finish_reason == CONTENT_FILTER:
        raise ProviderRefused(usage=usage)
    return ModelResponse(text, usage, _model_name(response.model), was_cut=choice.finish_reason == "length")


class StreamedResponse:
    """What has arrived of a streamed response so far."""

    def __init__(self, turns: Sequence[Turn], model: str) -> None:
        self.model = model
        self.is_refused = False
        self.is_finished = False
        self._turns = turns
        self._texts: list[str] = []
        self._reported: ReportedUsage | None = None

    def add(self, chunk: ChatCompletionChunk) -> str:
        """Add a chunk and return its text."""
        self.model = _model_name(chunk.model) or self.model
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
        return _usage(self._reported, self._turns, "".join(self._texts))


def _model_name(model: str | None) -> str:
    """The server's name of the model, or nothing if it does not look like a name: logs and traces show it, and they must
    hold no free text."""
    return model if model and _MODEL_NAME.fullmatch(model) else ""


def _usage(reported: ReportedUsage | None, turns: Sequence[Turn], text: str) -> Usage:
    """The usage that the server reported, or our own count if it reported none. It is never zero: a call was made."""
    if reported is not None and reported.prompt_tokens > 0:
        return Usage(reported.prompt_tokens, reported.completion_tokens)
    return Usage(count_turns(turns), max(1, count_tokens(text)))


class _Message(Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(Struct):
    message: _Message
    finish_reason: str | None = None


class _Error(Struct):
    code: str | int | None = None
    type: str | None = None


class _Response(Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: ReportedUsage | None = None
    error: _Error | None = None


_decoder = msgspec.json.Decoder(_Response)
