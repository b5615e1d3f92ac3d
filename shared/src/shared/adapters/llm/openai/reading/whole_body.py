"""Reads the body of a response that was asked for whole, and may nevertheless have come as a stream or in a list."""

from collections.abc import Iterator, Sequence

from shared.adapters.llm.openai.reading.content import (
    arguments_of,
    finish_reason,
    first_choice,
    join_content,
    message_of,
    reply_of,
    text_of,
    thinking_of,
    unwrapped,
    usage_of,
)
from shared.adapters.llm.openai.reading.cumulative_text import CumulativeText
from shared.adapters.llm.openai.reading.event_lines import EventLines, LineTooLong
from shared.adapters.llm.openai.reading.json_body import (
    NO_FIELDS,
    Fields,
    MalformedBody,
    decode_body,
    decode_value,
    objects_in,
)
from shared.adapters.llm.openai.reading.response import ModelResponse, SentCall, is_error, read_completion
from shared.domain.provider_errors import ProviderUnavailable


def read_response(body: str, sent: SentCall) -> ModelResponse:
    """Raises `ProviderError` when the model refused, or the body is not a completion."""
    try:
        response = read_body(body)
    except MalformedBody:  # for example an HTML page from a proxy
        raise ProviderUnavailable from None
    return read_completion(response, sent)


def read_body(body: str) -> Fields:
    """The completion, or the error, in a body: one object, a list that holds it, or the pieces of a stream, which are joined.
    Raises `MalformedBody` if nothing in it is JSON."""
    found = [unwrapped(fields) for fields in _objects_in_body(body)]
    if not found:
        raise MalformedBody
    decisive = (fields for fields in found if is_error(fields) or reply_of(_whole_message(fields)))
    return next(decisive, found[0] if len(found) == 1 and not _is_piece(found[0]) else _join(found))


def _objects_in_body(body: str) -> Sequence[Fields]:
    try:
        value = decode_value(body)
        return objects_in(decode_value(value) if isinstance(value, str) else value)
    except MalformedBody:
        return list(_events_in(body))


def _events_in(body: str) -> Iterator[Fields]:
    lines = EventLines()
    try:
        events = [*lines.add(body.encode(errors="replace")), *lines.end()]
    except LineTooLong:
        raise MalformedBody from None
    for data in events:
        try:
            yield decode_body(data)
        except MalformedBody:
            continue


def _is_piece(fields: Fields) -> bool:
    return "delta" in first_choice(fields)


def _whole_message(fields: Fields) -> Fields:
    """The message of a response that is no piece of a stream; Ollama's pieces say that there are more."""
    choice = first_choice(fields)
    is_whole = not choice.get("delta") and choice.get("done") is not False
    return message_of(choice) if is_whole else NO_FIELDS


def _join(pieces: Sequence[Fields]) -> Fields:
    """The pieces of a stream as one response."""
    content, text, thinking, reason = CumulativeText(), "", "", ""
    arguments, usage, model, refusal = "", None, None, None
    for piece in pieces:
        choice = first_choice(piece)
        delta = message_of(choice)
        text += content.add(join_content(delta.get("content")) or text_of(choice, "text"))
        thinking += thinking_of(delta)
        arguments += "".join(arguments_of(delta))
        reason = finish_reason(choice) or reason
        refusal = delta.get("refusal") or refusal
        usage = usage_of(piece) or usage
        model = model or piece.get("model")
    calls = [{"function": {"arguments": arguments}}] if arguments else []
    message = {
        "content": text + content.end(),
        "reasoning": thinking,
        "tool_calls": calls,
        "refusal": refusal,
    }
    choices = [{"message": message, "finish_reason": reason}] if any(map(first_choice, pieces)) else []
    return {"model": model, "choices": choices, "usage": usage}
