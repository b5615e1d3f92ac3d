"""Server-sent events as typed values: what happens to a job, and a chat answer as it is written."""

from datetime import datetime
from typing import TypeVar

import msgspec
from httpx_sse import ServerSentEvent
from msgspec import Struct

from etude.api_models import Problem, TokenUsage
from etude.errors import UnexpectedResponse, api_error
from etude.study_material import Flashcard, QuizQuestion, Source

T = TypeVar("T")


class StatusChanged(Struct, frozen=True, kw_only=True):
    """The job is `queued` (accepted, or waiting for its next attempt) or `running`."""

    job_id: str
    kind: str
    status: str
    attempt: int = 0
    error: Problem | None = None
    """Why the last attempt failed."""
    retry_at: datetime | None = None


class Progressed(Struct, frozen=True, kw_only=True):
    """`done` of `total` parts are finished."""

    job_id: str
    done: int
    total: int


class ItemMade(Struct, frozen=True, kw_only=True):
    """One checked card or question. A new attempt sends its items again, under the same ids."""

    job_id: str
    item: Flashcard | QuizQuestion
    attempt: int = 0


class Finished(Struct, frozen=True, kw_only=True):
    """The last event of a job: it is `succeeded`, `failed` or `cancelled`."""

    job_id: str
    kind: str
    status: str
    usage: TokenUsage = TokenUsage()
    error: Problem | None = None


class Removed(Struct, frozen=True, kw_only=True):
    """The job or collection was removed: drop it from what is shown."""

    job_id: str
    kind: str


class Changed(Struct, frozen=True, kw_only=True):
    """The user has changed a collection, perhaps elsewhere: fetch it again."""

    job_id: str
    kind: str
    item_id: str = ""
    """The item that has changed; empty if more has."""


class Event(Struct, frozen=True):
    id: str
    """The position in the stream: what `after` takes to resume behind this event."""
    data: StatusChanged | Progressed | ItemMade | Finished | Removed | Changed


class ChatDelta(Struct, frozen=True):
    """The next piece of the answer's text."""

    text: str


class ChatQuotes(Struct, frozen=True):
    """The passages of the collection that the answer quotes."""

    quotes: list[Source]


class ChatUsage(Struct, frozen=True, kw_only=True):
    """What the answer cost, in tokens, and what wrote it."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    model: str = ""
    generated_by: str = ""
    retrieval: str = ""
    """How the passages were found: `lexical` or `rewritten`; empty without a collection."""


ChatEvent = ChatDelta | ChatQuotes | ChatUsage


class _Item(Struct, frozen=True, kw_only=True):
    job_id: str
    type: str
    item: msgspec.Raw
    attempt: int = 0


JOB_EVENTS: dict[str, type[StatusChanged | Progressed | Finished | Removed | Changed]] = {
    "status": StatusChanged,
    "progress": Progressed,
    "done": Finished,
    "removed": Removed,
    "changed": Changed,
}
ITEMS: dict[str, type[Flashcard | QuizQuestion]] = {"flashcard": Flashcard, "question": QuizQuestion}
CHAT_EVENTS: dict[str, type[ChatEvent]] = {"delta": ChatDelta, "quotes": ChatQuotes, "usage": ChatUsage}


def read_job_event(sent: ServerSentEvent) -> Event | None:
    """None for an event of a kind that this version does not know. Raises `UnexpectedResponse`."""
    if sent.event == "item":
        made = _decode(sent.data, _Item)
        if kind := ITEMS.get(made.type):
            item = _decode(made.item, kind)
            return Event(sent.id, ItemMade(job_id=made.job_id, item=item, attempt=made.attempt))
    elif kind := JOB_EVENTS.get(sent.event):
        return Event(sent.id, _decode(sent.data, kind))
    return None


def read_chat_event(sent: ServerSentEvent) -> ChatEvent | None:
    """As `read_job_event`. Raises `ApiError` for an answer that broke off."""
    if sent.event == "error":
        raise api_error(_decode(sent.data, Problem))
    kind = CHAT_EVENTS.get(sent.event)
    return kind and _decode(sent.data, kind)


def _decode(data: str | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError:
        raise UnexpectedResponse("the other end of the event stream") from None
