"""Reads the events and the object of a background response, and gives it the form of a Chat Completions response."""

from collections.abc import Mapping

from shared.adapters.llm.openai.reading.content import join_content, text_of
from shared.adapters.llm.openai.reading.json_body import (
    NO_FIELDS,
    Fields,
    MalformedBody,
    decode_body,
    fields_of,
    objects_in,
)
from shared.adapters.llm.openai.reading.reported_usage import to_count
from shared.adapters.llm.openai.reading.response import DONE, ModelResponse, SentCall, read_completion
from shared.adapters.llm.openai.refusals.errors import to_provider_error
from shared.adapters.llm.openai.refusals.server_error import read_server_error

WAITING = frozenset({"queued", "in_progress"})
USABLE = frozenset({"completed", "incomplete"})
FINISH_REASONS: Mapping[str, str] = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""By the reason for which a response is incomplete."""
FAILURE = {"code": "server_error"}


class ResponseProgress:
    """What is known of a response so far."""

    def __init__(self, response_id: str = "") -> None:
        self.id = response_id
        self.last_event = -1
        """The number of the last event, after which a new stream begins; −1 before the first one."""
        self.response: Fields = {}

    def add(self, data: str) -> None:
        """Add an event, or the response itself. What cannot be read is passed over: the response is fetched later. Raises
        `ProviderError` for an event that is an error."""
        try:
            event = NO_FIELDS if data == DONE else decode_body(data)
        except MalformedBody:
            return
        if event.get("type") == "error" or set(event) == {"error"}:
            raise to_provider_error(read_server_error(event, 0, {}))
        number = to_count(event.get("sequence_number"))
        self.last_event = self.last_event if number is None else number
        if found := fields_of(event.get("response")) or (event if "status" in event else {}):
            self.response = found
            self.id = text_of(found, "id") or self.id

    @property
    def is_finished(self) -> bool:
        return bool(self.response) and text_of(self.response, "status") not in WAITING

    @property
    def is_usable(self) -> bool:
        return text_of(self.response, "status") in USABLE


def read_background_response(response: Fields, sent: SentCall) -> ModelResponse:
    """Read a finished response. Raises `ProviderError`, also when it failed."""
    if text_of(response, "status") not in USABLE:
        said = {"error": fields_of(response.get("error")) or FAILURE}
        raise to_provider_error(read_server_error(said, 0, {}))
    return read_completion(_as_completion(response), sent)


def _as_completion(response: Fields) -> Fields:
    items = objects_in(response.get("output"))
    messages = [item for item in items if item.get("type") == "message"]
    parts = [part for message in messages for part in objects_in(message.get("content"))]
    reason = text_of(fields_of(response.get("incomplete_details")), "reason")
    message = {
        "content": "".join(join_content(message.get("content")) for message in messages),
        "refusal": next((part["refusal"] for part in parts if part.get("type") == "refusal"), None),
    }
    return {
        "model": response.get("model"),
        "choices": [{"message": message, "finish_reason": FINISH_REASONS.get(reason, "stop")}],
        "usage": response.get("usage"),
    }
