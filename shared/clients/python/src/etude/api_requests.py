"""The operations of the API, each as a function that builds its `Request`. Both clients offer them as methods."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from etude.api_models import (
    ChatAnswer,
    Collection,
    CollectionItem,
    CollectionStatus,
    Conversation,
    Erasure,
    Estimate,
    ExportFormat,
    File,
    ItemChanges,
    ItemKind,
    Job,
    JobKind,
    MoreItems,
    Options,
    OwnCard,
    OwnQuestion,
    Page,
    Usage,
)
from etude.request import Request
from etude.subscription import Subscription

T = TypeVar("T")

PAGE_SIZE = 20
CHAT_SECONDS = 250.0
"""A whole answer arrives at once, and the server allows it 240 seconds."""
NO_OPTIONS = Options()
NO_WISHES = MoreItems()


def submit_job(
    kind: JobKind, text: str, *, options: Options = NO_OPTIONS, idempotency_key: str = ""
) -> Request[Job]:
    """Have `kind` made of a text. Without a key of yours the client makes one for this call and its retries."""
    return _submission("/api/ai", Job, idempotency_key, json=_job_body(kind, text, options))


def get_job(job_id: str) -> Request[Job]:
    """A job, with its result once it has succeeded."""
    return Request(method="GET", path=job_path(job_id), decode=_as(Job))


def list_jobs(*, kind: JobKind | None = None, limit: int = PAGE_SIZE, after: str = "") -> Request[Page[Job]]:
    """A page of jobs, newest first, without their results. `after` is the `next_cursor` of the page before."""
    query = {"limit": limit, **({"kind": kind} if kind else {}), **({"after": after} if after else {})}
    return Request(method="GET", path="/api/ai", query=query, decode=_as(Page[Job]))


def cancel_job(job_id: str) -> Request[Job]:
    """Cancel a job that has not ended. One that has is removed, as by `delete_job`. Returns the job as it is now."""
    return Request(method="DELETE", path=job_path(job_id), decode=_as(Job))


def delete_job(job_id: str) -> Request[Job]:
    """Remove a job that has ended, with its result; an unfinished one is cancelled. Raises `NotFound` when there is none."""
    return Request(method="DELETE", path=job_path(job_id), decode=_as(Job))


def erase_me() -> Request[Erasure]:
    """Erase everything of the user. Repeat while `is_complete` is false."""
    return Request(method="DELETE", path="/api/me", decode=_as(Erasure))


def create_collection(
    text: str, *, title: str = "", options: Options = NO_OPTIONS, idempotency_key: str = ""
) -> Request[Collection]:
    """Have a study collection made of a text. The key is as in `submit_job`."""
    body = _collection_body(text, title, options)
    return _submission("/api/collections", Collection, idempotency_key, json=body)


def upload_collection(
    file: File, *, title: str = "", options: Options = NO_OPTIONS, idempotency_key: str = ""
) -> Request[Collection]:
    """Have a study collection made of a document."""
    form = {"options": msgspec.json.encode(options).decode(), **({"title": title} if title else {})}
    return _submission("/api/collections", Collection, idempotency_key, form=form, file=file)


def get_collection(collection_id: str) -> Request[Collection]:
    """A collection, with its material once it is ready."""
    return Request(method="GET", path=collection_path(collection_id), decode=_as(Collection))


def list_collections(
    *,
    limit: int = PAGE_SIZE,
    after: str = "",
    title_part: str = "",
    status: CollectionStatus | None = None,
    language: str = "",
    kind: ItemKind | None = None,
) -> Request[Page[Collection]]:
    """A page of collections, newest first, without their material. Those that every given filter fits: a part of the title in
    any case, the status, the language, and the kind of items that they have."""
    filters = {"after": after, "q": title_part, "status": status, "language": language, "kind": kind}
    query = {"limit": limit, **{name: value for name, value in filters.items() if value}}
    return Request(method="GET", path="/api/collections", query=query, decode=_as(Page[Collection]))


def rename_collection(collection_id: str, title: str, *, etag: str) -> Request[Collection]:
    """Give a collection another title. `etag` is that of the collection as you have seen it: if it has changed since, nothing is
    changed, and `Conflict` is raised. Returns the collection without its material, with its new `etag`."""
    return _change("PATCH", collection_path(collection_id), etag, Collection, json={"title": title})


def edit_item(
    collection_id: str, item_id: str, changes: ItemChanges, *, etag: str
) -> Request[CollectionItem]:
    """Change, hide or flag a card or question. `etag` is as in `rename_collection`."""
    return _change("PATCH", item_path(collection_id, item_id), etag, CollectionItem, json=changes)


def delete_item(collection_id: str, item_id: str, *, etag: str) -> Request[Collection]:
    """Delete a card or question. Returns the collection without its material."""
    return _change("DELETE", item_path(collection_id, item_id), etag, Collection)


def add_item(
    collection_id: str, item: OwnCard | OwnQuestion, *, etag: str, idempotency_key: str = ""
) -> Request[CollectionItem]:
    """Add a card or question of your own. The key is as in `submit_job`."""
    key = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return Request(
        method="POST",
        path=f"{collection_path(collection_id)}/items",
        headers={"If-Match": etag, **key},
        json=item,
        decode=_as(CollectionItem),
        is_submission=True,
    )


def make_more_items(
    collection_id: str, wanted: MoreItems = NO_WISHES, *, etag: str, idempotency_key: str = ""
) -> Request[Job]:
    """Have more items made of a collection's text, which join it when the job has succeeded. The key is as in `submit_job`."""
    path = f"{collection_path(collection_id)}/items"
    return _submission(path, Job, idempotency_key, json=wanted).with_header("If-Match", etag)


def delete_collection(collection_id: str) -> Request[None]:
    """Delete a collection; an unfinished one is cancelled. Raises `NotFound` when there is none."""
    return Request(method="DELETE", path=collection_path(collection_id), decode=_nothing)


def export_collection(collection_id: str, *, file_format: ExportFormat = ExportFormat.JSON) -> Request[bytes]:
    """The material as a file."""
    path = f"{collection_path(collection_id)}/export"
    return Request(method="GET", path=path, query={"format": file_format}, decode=bytes)


def get_usage() -> Request[Usage]:
    """What is left of the user's plan, and until when."""
    return Request(method="GET", path="/api/usage", decode=_as(Usage))


def estimate_job(kind: JobKind, text: str, *, options: Options = NO_OPTIONS) -> Request[Estimate]:
    """What `submit_job` would cost at most. Nothing is made or charged."""
    return _estimate("ai", _job_body(kind, text, options))


def estimate_collection(text: str, *, title: str = "", options: Options = NO_OPTIONS) -> Request[Estimate]:
    """What `create_collection` would cost at most. Nothing is made or charged."""
    return _estimate("collections", _collection_body(text, title, options))


def ask(
    messages: Conversation, *, collection_id: str = "", language: str | None = None, model: str = ""
) -> Request[ChatAnswer]:
    """A whole answer, from a collection's text when one is named. It is not retried: a lost answer was paid for."""
    return Request(
        method="POST",
        path="/api/chat",
        json=_chat_body(messages, collection_id, language, model),
        decode=_as(ChatAnswer),
        is_repeatable=False,
        response_seconds=CHAT_SECONDS,
    )


def stream_answer(
    messages: Conversation, *, collection_id: str = "", language: str | None = None, model: str = ""
) -> Request[None]:
    """The answer piece by piece; it is not retried, like `ask`."""
    body = {**_chat_body(messages, collection_id, language, model), "stream": True}
    return Request(method="POST", path="/api/chat", json=body, decode=_nothing, is_repeatable=False)


def job_events(job_id: str, *, after: str = "") -> Subscription:
    """The events of a job until `Finished`, across dropped connections; `after` is the id of an event, to resume."""
    return Subscription(f"{job_path(job_id)}/events", after=after, ends_with_job=True)


def collection_events(collection_id: str, *, after: str = "") -> Subscription:
    """As `job_events`, for a collection in the making."""
    return Subscription(f"{collection_path(collection_id)}/events", after=after, ends_with_job=True)


def all_events(*, after: str = "") -> Subscription:
    """The events of every job of the user, without end; without `after` from the oldest that is kept."""
    return Subscription("/api/events", after=after, ends_with_job=False)


def job_path(job_id: str) -> str:
    return f"/api/ai/{quote(job_id, safe='')}"


def collection_path(collection_id: str) -> str:
    return f"/api/collections/{quote(collection_id, safe='')}"


def item_path(collection_id: str, item_id: str) -> str:
    return f"{collection_path(collection_id)}/items/{quote(item_id, safe='')}"


def _change(method: str, path: str, etag: str, kind: type[T], *, json: Any = None) -> Request[T]:
    """It is not retried: the lost one may have changed the tag, and the next one would be refused for that."""
    headers = {"If-Match": etag}
    return Request(
        method=method, path=path, headers=headers, json=json, decode=_as(kind), is_repeatable=False
    )


def _submission(path: str, kind: type[T], key: str, **body: Any) -> Request[T]:
    headers = {"Idempotency-Key": key} if key else {}
    return Request(method="POST", path=path, headers=headers, decode=_as(kind), is_submission=True, **body)


def _estimate(priced: str, body: dict[str, Any]) -> Request[Estimate]:
    path = "/api/usage/estimate"
    return Request(method="POST", path=path, query={"for": priced}, json=body, decode=_as(Estimate))


def _job_body(kind: JobKind, text: str, options: Options) -> dict[str, Any]:
    return {"kind": kind, "input": {"text": text}, "options": options}


def _collection_body(text: str, title: str, options: Options) -> dict[str, Any]:
    return {"text": text, "options": options, **({"title": title} if title else {})}


def _chat_body(
    messages: Conversation, collection_id: str, language: str | None, model: str
) -> dict[str, Any]:
    optional = {"collection_id": collection_id, "language": language, "model": model}
    return {"messages": list(messages), **{name: value for name, value in optional.items() if value}}


def _as(kind: type[T]) -> Callable[[bytes], T]:
    return partial(msgspec.json.decode, type=kind)


def _nothing(_: bytes) -> None:
    return None
