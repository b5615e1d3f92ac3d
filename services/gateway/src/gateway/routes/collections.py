"""Study collections: made of a text or a document; list, show, remove, follow, export."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct

from gateway.exports.formats import EXPORTS, Export
from gateway.http import openapi
from gateway.http.dependencies import (
    CollectionBody,
    CurrentCaller,
    CurrentServices,
    JobIdPath,
    count_refusals,
    require_known_query,
)
from gateway.http.job_responses import follow_response, job_response
from gateway.http.pagination import RequestedPage, next_link
from gateway.http.request_bodies import MAX_TITLE, CollectionRequest
from gateway.http.request_headers import choice
from gateway.http.responses import VARIES, json_response, language_of
from gateway.http.schemas import CollectionView, view_collection
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

router = APIRouter(
    prefix="/api/collections", tags=["collections"], dependencies=[Depends(require_known_query)]
)


class CollectionPage(Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: list[CollectionView]
    has_more: bool
    next_cursor: str | None


UPLOAD = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "description": "PDF, DOCX, PPTX, ODT, ODP, RTF, EPUB, HTML, Markdown, plain text, CSV, SRT, VTT, IPYNB, or a picture of text (PNG, JPEG), told by its content. Your plan limits the bytes of the file, of its text, and the pages; most plans allow 10 MiB, 5 MiB and 1,000 pages.",
            },
            "title": {"type": "string", "maxLength": MAX_TITLE},
            "options": {"type": "string", "description": "JSON, as in the other body."},
        },
    }
}
BODY = openapi.json_body(CollectionRequest, EXAMPLE)
BODY["content"]["multipart/form-data"] = UPLOAD

EXPORTED = openapi.returns(
    "The material, as a file.", {"type": "string"}, headers=("Content-Disposition",), media_type="text/csv"
)
EXPORTED["content"] |= {
    export.media_type.partition(";")[0]: {"schema": {"type": "object" if name == "json" else "string"}}
    for name, export in EXPORTS.items()
}


async def find_collection(job_id: JobIdPath, caller: CurrentCaller, services: CurrentServices) -> JobSnapshot:
    """Raises `NotFound`."""
    collection = await services.jobs.find(caller.user, job_id, KINDS)
    if collection is None:
        raise NotFound
    return collection


FoundCollection = Annotated[JobSnapshot, Depends(find_collection)]


@router.post(
    "",
    operation_id="submitCollection",
    summary="Make a study collection of a text, or of a document.",
    status_code=202,
    dependencies=[Depends(count_refusals)],
    responses={
        200: openapi.returns(
            "Ready, or failed, while you waited.",
            CollectionView,
            headers=(*openapi.ACCEPTED_HEADERS, "Preference-Applied"),
        ),
        202: openapi.returns(
            "Accepted and stored.", CollectionView, headers=(*openapi.ACCEPTED_HEADERS, "Retry-After")
        ),
        **openapi.problems(*openapi.SUBMIT_PROBLEMS, *openapi.UPLOAD_PROBLEMS, "not_found"),
    },
    openapi_extra=openapi.takes(openapi.IDEMPOTENCY_KEY, openapi.PREFER, body=BODY),
)
async def submit_collection(
    request: Request, caller: CurrentCaller, body: CollectionBody, services: CurrentServices
) -> Response:
    submitted = await services.submitter.submit(request, caller, Kind.COLLECTION, body)
    job = submitted.job
    return json_response(
        view_collection(job, language=language_of(request)),
        status=200 if "Preference-Applied" in submitted.headers else 202,
        headers={**submitted.headers, "Location": f"/api/collections/{job.id}"},
    )


@router.get(
    "",
    operation_id="listCollections",
    summary="List your collections, newest first.",
    responses={
        200: openapi.returns("A page.", CollectionPage, headers=("Link",)),
        **openapi.problems("invalid_fields"),
    },
    openapi_extra=openapi.takes(openapi.LIMIT, openapi.AFTER),
)
async def list_collections(
    request: Request, caller: CurrentCaller, page: RequestedPage, services: CurrentServices
) -> Response:
    """A page may hold fewer than asked for: removed collections are left out of it."""
    query, language = request.query_params, language_of(request)
    found = await services.jobs.list_jobs(caller.user, KINDS, before=page.before, limit=page.limit + 1)
    shown, cursor = page.cut(found)
    views = [
        view_collection(job, language=language, with_material=False) for job in shown if not job.is_removed
    ]
    return json_response(
        CollectionPage(data=views, has_more=cursor is not None, next_cursor=cursor),
        headers={**VARIES, **next_link("/api/collections", query, cursor)},
    )


@router.get(
    "/{id}",
    operation_id="showCollection",
    summary="Show a collection, with its material once it is ready.",
    responses={
        200: openapi.returns("The collection.", CollectionView, headers=("ETag", "Retry-After")),
        304: openapi.returns("The collection has not changed.", headers=("ETag", "Retry-After")),
        **openapi.problems("not_found"),
    },
    openapi_extra=openapi.takes(openapi.IF_NONE_MATCH),
)
async def show_collection(request: Request, collection: FoundCollection) -> Response:
    return job_response(
        request, collection, lambda: view_collection(collection, language=language_of(request))
    )


@router.delete(
    "/{id}",
    operation_id="removeCollection",
    summary="Remove a collection: one in the making is cancelled. A second time there is none: 404.",
    status_code=204,
    responses={204: openapi.returns("The collection is removed."), **openapi.problems("not_found")},
)
async def remove_collection(job_id: JobIdPath, caller: CurrentCaller, services: CurrentServices) -> Response:
    if not await services.jobs.remove(caller.user, job_id, KINDS):
        raise NotFound
    return Response(status_code=204)


@router.get(
    "/{id}/events",
    operation_id="followCollection",
    summary="Follow a collection in the making: its items as they come, and `done` at its end.",
    responses={
        200: openapi.EVENT_STREAM,
        204: openapi.NOTHING_LEFT,
        **openapi.problems("not_found", "invalid_fields", *openapi.STREAM_PROBLEMS),
    },
    openapi_extra=openapi.takes(openapi.LAST_EVENT_ID, openapi.LAST_EVENT_ID_QUERY),
)
async def follow_collection(
    request: Request, caller: CurrentCaller, collection: FoundCollection, services: CurrentServices
) -> Response:
    return follow_response(request, services.event_streams, caller, collection)


@router.get(
    "/{id}/export",
    operation_id="exportCollection",
    summary="Export a collection to Anki, Quizlet, Moodle, QTI, a spreadsheet, paper or another program.",
    responses={200: EXPORTED, **openapi.problems("not_found", "not_ready", "invalid_fields")},
    openapi_extra=openapi.takes(openapi.choice_parameter("format", FORMATS, "json")),
)
async def export_collection(
    request: Request, services: CurrentServices, collection: FoundCollection
) -> Response:
    export = EXPORTS[choice(request.query_params, "format", FORMATS, default="json")]
    if not collection.state.is_final:
        raise NotReady(retry_after=2)
    if collection.result is None:
        raise NotFound
    content = await services.exporter.write(export, collection, collection.result)
    return Response(content, headers=_download_headers(collection.title, export))


def _download_headers(title: str, export: Export) -> dict[str, str]:
    """The file is named by the collection's title, without the characters that file names cannot carry."""
    name = "".join(char if char.isalnum() or char in " -_" else " " for char in title)
    name = " ".join(name.split()) or "collection"
    return {
        "Content-Type": export.media_type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.{export.suffix}",
        **VARIES,
    }
