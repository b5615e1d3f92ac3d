"""Study collections: make one of a text or a document, look, list, remove, follow, take away."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.auth.authenticator import Caller
from gateway.documents.multipart import read_upload
from gateway.documents.text_extraction import DocumentReader
from gateway.exports.tsv import EXPORTS
from gateway.http import openapi
from gateway.http.endpoint import KIND, Endpoint
from gateway.http.event_streams import Listening
from gateway.http.job_responses import answer_seen, follow
from gateway.http.pagination import next_link, read_page
from gateway.http.request_bodies import (
    MAX_TITLE,
    CollectionRequest,
    collection_body,
    read_json,
    to_collection_input,
)
from gateway.http.request_headers import choice
from gateway.http.responses import CACHED, answer_json, language_of
from gateway.http.schemas import CollectionView, view_collection
from gateway.jobs.job_queries import Jobs
from gateway.jobs.job_submission import Submitter
from shared.domain.errors import NotFound, NotReady
from shared.domain.jobs.job import Kind
from shared.domain.jobs.job_snapshot import JobSnapshot

KINDS = (Kind.COLLECTION,)
FORMATS = tuple(EXPORTS)
EXAMPLE = {
    "title": "Water",
    "text": "Water boils at one hundred degrees. It freezes at zero.",
    "options": {"flashcards": 10, "questions": 5},
}


class CollectionPage(Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: list[CollectionView]
    has_more: bool
    next_cursor: str | None


class CollectionRoutes:
    def __init__(
        self, jobs: Jobs, submitter: Submitter, listening: Listening, documents: DocumentReader
    ) -> None:
        self._documents = documents
        self._jobs = jobs
        self._submitter = submitter
        self._listening = listening

    async def submit(self, request: Request, caller: Caller) -> ASGIApp:
        request.scope[KIND] = Kind.COLLECTION
        body = await self._read(request)
        submitted = await self._submitter.submit(request, caller, Kind.COLLECTION, to_collection_input(body))
        seen = submitted.seen
        return answer_json(
            view_collection(seen, language=language_of(request)),
            status=200 if "Preference-Applied" in submitted.headers else 202,
            headers={**submitted.headers, "Location": f"/api/collections/{seen.id}"},
        )

    async def _read(self, request: Request) -> CollectionRequest:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == "multipart/form-data":
            return await read_upload(request, self._documents)
        return collection_body.decode(await read_json(request))

    async def show(self, request: Request, caller: Caller) -> ASGIApp:
        seen, language = await self._find(request, caller), language_of(request)
        return answer_seen(request, seen, lambda: view_collection(seen, language=language))

    async def list(self, request: Request, caller: Caller) -> ASGIApp:
        """A page may hold fewer than asked for: removed ones are left out of it."""
        query, language = request.query_params, language_of(request)
        page = read_page(query)
        seen = await self._jobs.list_jobs(caller.user, KINDS, before=page.before, limit=page.limit + 1)
        shown, cursor = page.cut(seen)
        views = [
            view_collection(one, language=language, with_material=False)
            for one in shown
            if not one.is_removed
        ]
        return answer_json(
            CollectionPage(data=views, has_more=cursor is not None, next_cursor=cursor),
            headers={**CACHED, **next_link("/api/collections", query, cursor)},
        )

    async def remove(self, request: Request, caller: Caller) -> ASGIApp:
        if not await self._jobs.remove_collection(caller.user, request.path_params["id"]):
            raise NotFound
        return Response(status_code=204)

    async def follow(self, request: Request, caller: Caller) -> ASGIApp:
        return await follow(request, self._listening, await self._find(request, caller))

    async def export(self, request: Request, caller: Caller) -> ASGIApp:
        export = EXPORTS[choice(request.query_params, "format", FORMATS, default="json")]
        job = await self._find(request, caller)
        if not job.state.is_final:
            raise NotReady(retry_after=2)
        if job.result is None:
            raise NotFound
        return Response(export.write(job.result), headers=_saved_as(job, export.suffix, export.media_type))

    async def _find(self, request: Request, caller: Caller) -> JobSnapshot:
        seen = await self._jobs.find(caller.user, request.path_params["id"], KINDS)
        if seen is None:
            raise NotFound
        return seen

    def endpoints(self) -> Sequence[Endpoint]:
        return [
            Endpoint("POST", "/api/collections", self.submit, SUBMIT, is_submission=True),
            Endpoint("GET", "/api/collections", self.list, LIST),
            Endpoint("GET", "/api/collections/{id}", self.show, SHOW),
            Endpoint("DELETE", "/api/collections/{id}", self.remove, REMOVE),
            Endpoint("GET", "/api/collections/{id}/events", self.follow, FOLLOW),
            Endpoint("GET", "/api/collections/{id}/export", self.export, EXPORT),
        ]


def _saved_as(job: JobSnapshot, suffix: str, media_type: str) -> dict[str, str]:
    """Under its title, as far as a file name can carry it."""
    name = "".join(char if char.isalnum() or char in " -_" else " " for char in job.title)
    name = " ".join(name.split()) or "collection"
    return {
        "Content-Type": media_type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.{suffix}",
        **CACHED,
    }


_UPLOAD = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "description": "`.txt`, `.md`, `.pdf` or `.docx`, at most 10 MiB.",
            },
            "title": {"type": "string", "maxLength": MAX_TITLE},
            "options": {"type": "string", "description": "JSON, as in the other body."},
        },
    }
}
_BODY = openapi.json_body(CollectionRequest, EXAMPLE)
_BODY["content"]["multipart/form-data"] = _UPLOAD

SUBMIT = openapi.operation(
    "submitCollection",
    "Make a study collection of a text, or of a document.",
    tag="collections",
    parameters=[openapi.IDEMPOTENCY_KEY, openapi.PREFER],
    body=_BODY,
    answers={
        200: openapi.answer(
            "Ready, or failed, while you waited.",
            openapi.reference(CollectionView),
            headers=(*openapi.ACCEPTED_HEADERS, "Preference-Applied"),
        ),
        202: openapi.answer(
            "Accepted and stored.",
            openapi.reference(CollectionView),
            headers=(*openapi.ACCEPTED_HEADERS, "Retry-After"),
        ),
    },
    problems=(*openapi.SUBMIT_PROBLEMS, "invalid_request", "unsupported_document", "not_found"),
)
LIST = openapi.operation(
    "listCollections",
    "List your collections, newest first.",
    tag="collections",
    parameters=[openapi.LIMIT, openapi.AFTER],
    answers={200: openapi.answer("A page.", openapi.reference(CollectionPage), headers=("Link",))},
    problems=("invalid_fields",),
)
SHOW = openapi.operation(
    "showCollection",
    "Show a collection, with its material once it is ready.",
    tag="collections",
    parameters=[openapi.JOB_ID, openapi.IF_NONE_MATCH],
    answers={
        200: openapi.answer(
            "The collection.", openapi.reference(CollectionView), headers=("ETag", "Retry-After")
        ),
        304: openapi.answer("Nothing has changed.", headers=("ETag", "Retry-After")),
    },
    problems=("not_found",),
)
REMOVE = openapi.operation(
    "removeCollection",
    "Remove a collection: one in the making is cancelled. A second time there is none: 404.",
    tag="collections",
    parameters=[openapi.JOB_ID],
    answers={204: openapi.answer("It is gone.")},
    problems=("not_found",),
)
FOLLOW = openapi.operation(
    "followCollection",
    "Follow a collection in the making: its items as they come, and `done` at its end.",
    tag="collections",
    parameters=[openapi.JOB_ID, openapi.LAST_EVENT_ID, openapi.LAST_EVENT_ID_QUERY],
    answers=openapi.EVENT_ANSWERS,
    problems=("not_found", "invalid_fields"),
)
_EXPORTED = openapi.answer(
    "The material, as a file.", {"type": "string"}, headers=("Content-Disposition",), media_type="text/csv"
)
_EXPORTED["content"] |= {
    "application/json": {"schema": {"type": "object"}},
    "text/tab-separated-values": {"schema": {"type": "string"}},
}
EXPORT = openapi.operation(
    "exportCollection",
    "Take a collection away: JSON, CSV for spreadsheets, TSV for Anki.",
    tag="collections",
    parameters=[openapi.JOB_ID, openapi.choice_parameter("format", FORMATS, "json")],
    answers={200: _EXPORTED},
    problems=("not_found", "not_ready", "invalid_fields"),
)
