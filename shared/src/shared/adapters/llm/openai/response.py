"""What a Chat Completions server answers: only the parts that are read, so that any compatible server will do."""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from shared.adapters.llm.openai.errors import provider_error
from shared.adapters.llm.openai.prompt_rendering import Turn, count_turns
from shared.adapters.llm.token_counter import count_tokens
from shared.domain.errors import ProviderRefused, ProviderUnavailable
from shared.domain.usage import Usage

CONTENT_FILTER = "content_filter"
_NAME = re.compile(r"[\w.:/@+-]{1,100}", re.ASCII)


class ReportedUsage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Answer(Struct, frozen=True):
    """One answer, whatever it says."""

    text: str
    usage: Usage
    model: str
    """Empty when the server did not say."""
    was_cut: bool
    """At the limit of its length."""


def read_reply(body: bytes, turns: Sequence[Turn]) -> Answer:
    """Raises `ProviderError` for an answer that is none: refused, an error sent as a success, no JSON at all."""
    try:
        reply = _decoder.decode(body)
    except msgspec.DecodeError:  # a page of HTML from something in between
        raise ProviderUnavailable from None
    if reply.error is not None:
        raise provider_error(None, (reply.error.code, reply.error.type), {})
    if not reply.choices:
        raise ProviderUnavailable
    choice = reply.choices[0]
    text = choice.message.content or ""
    usage = usage_of(reply.usage, turns, text)
    if choice.message.refusal or choice.finish_reason == CONTENT_FILTER:
        raise ProviderRefused(usage=usage)
    return Answer(text, usage, name_of(reply.model), was_cut=choice.finish_reason == "length")


def name_of(model: str | None) -> str:
    """The model as the server calls it, if that is a name: it is shown in logs and traces, where nobody's words may be."""
    return model if model and _NAME.fullmatch(model) else ""


def usage_of(reported: ReportedUsage | None, turns: Sequence[Turn], text: str) -> Usage:
    """As reported; counted by us when the server does not say. Never nothing: a call was made."""
    if reported is not None and reported.prompt_tokens > 0:
        return Usage(reported.prompt_tokens, reported.completion_tokens)
    return Usage(count_turns(turns), max(1, count_tokens(text)))


class _Said(Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(Struct):
    message: _Said
    finish_reason: str | None = None


class _Fault(Struct):
    code: str | int | None = None
    type: str | None = None


class _Reply(Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: ReportedUsage | None = None
    error: _Fault | None = None


_decoder = msgspec.json.Decoder(_Reply)
