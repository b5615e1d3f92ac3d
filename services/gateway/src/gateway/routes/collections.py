"""Study collections: made of a text or a document; list, show, remove, follow, export."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from msgspec.structs import replace

from gateway.exports.formats import EXPORTS, Export
from gateway.http import openapi
from gateway.http.dependencies import (
    CollectionBody,
    CollectionPatchBody,
    CurrentCaller,
    CurrentServices,
    JobIdPath,
    count_refusals,
    require_known_query,
)
from gateway.http.job_responses import follow_response, job_response
from gateway.http.pagination import RequestedPage, next_link
from gateway.http.request_bodies import MAX_TITLE, CollectionPatch, CollectionRequest, to_title
from gateway.http.request_headers import choice, language_parameter, title_parameter
from gateway.http.responses import VARIES, json_response, language_of, require_match
from gateway.http.schemas import COLLECTION_STATUS, CollectionView, entity_tag, view_collection
from shared.domain.errors import NotFound, NotReady
from shared.domain.jobs.collection_filter import CollectionFilter
from shared.domain.jobs.job import JobState, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.text.language_tag import MAX_TAG_CHARACTERS, TAG_PATTERN
from shared.runtime.http.ai_disclosure import disclosure_headers

KINDS = (Kind.COLLECTION,)
FORMATS = tuple(EXPORTS)
STATES = {"processing": frozenset({JobState.QUEUED, JobState.RUNNING})} | {
    status: frozenset({state}) for state, status in COLLECTION_STATUS.items() if state.is_final
}
ITEM_KINDS = (Kind.FLASHCARDS, Kind.QUIZ)
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
    "The material, as a file.",
    {"type": "string"},
    headers=("Content-Disposition", "AI-Disclosure"),
    media_type="text/csv",
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
    summary="List your collections, newest first: all, or those that every given filter fits.",
    responses={
        200: openapi.returns("A page.", CollectionPage, headers=("Link",)),
        **openapi.problems("invalid_fields"),
    },
    openapi_extra=openapi.takes(
        openapi.LIMIT,
        openapi.AFTER,
        openapi.choice_parameter("status", tuple(STATES)),
        openapi.choice_parameter("kind", ITEM_KINDS),
        openapi.query_parameter(
            "language",
            "Tag of the material's language; `pt` includes `pt-BR`.",
            pattern=TAG_PATTERN,
            maxLength=MAX_TAG_CHARACTERS,
        ),
        openapi.query_parameter(
            "q", "A part of the title, in any case and with or without accents.", maxLength=MAX_TITLE
        ),
    ),
)
async def list_collections(
    request: Request, caller: CurrentCaller, page: RequestedPage, services: CurrentServices
) -> Response:
    query, language = request.query_params, language_of(request)
    found = await services.jobs.list_collections(
        caller.user, _read_filter(query), before=page.before, limit=page.limit + 1
    )
    shown, cursor = page.cut(found)
    views = [view_collection(job, language=language, with_material=False) for job in shown]
    return json_response(
        CollectionPage(data=views, has_more=cursor is not None, next_cursor=cursor),
        headers={**VARIES, **next_link("/api/collections", query, cursor)},
    )


def _read_filter(query: Mapping[str, str]) -> CollectionFilter:
    """Raises `InvalidFields`."""
    status = choice(query, "status", tuple(STATES), default="")
    return CollectionFilter(
        states=STATES.get(status),
        item_kind=choice(query, "kind", ITEM_KINDS, default="") or None,
        language=language_parameter(query) or None,
        title_part=title_parameter(query) or None,
    )


@router.get(
    "/{id}",
    operation_id="showCollection",
    summary="Show a collection, with its material once it is ready.",
    responses={
        200: openapi.returns(
            "The collection.", CollectionView, headers=("ETag", "Retry-After", "AI-Disclosure")
        ),
        304: openapi.returns("The collection has not changed.", headers=("ETag", "Retry-After")),
        **openapi.problems("not_found"),
    },
    openapi_extra=openapi.takes(openapi.IF_NONE_MATCH),
)
async def show_collection(request: Request, collection: FoundCollection) -> Response:
    return job_response(
        request, collection, lambda: view_collection(collection, language=language_of(request))
    )


@router.patch(
    "/{id}",
    operation_id="editCollection",
    summary="Give a collection that is ready, or has failed, another title.",
    responses={
        200: openapi.returns("The collection, without its material.", CollectionView, headers=("ETag",)),
        **openapi.problems(*openapi.EDIT_PROBLEMS),
    },
    openapi_extra=openapi.takes(
        openapi.IF_MATCH, body=openapi.json_body(CollectionPatch, {"title": "Water and ice"})
    ),
)
async def edit_collection(
    request: Request, collection: FoundCollection, body: CollectionPatchBody, services: CurrentServices
) -> Response:
    title, language = to_title(body), language_of(request)
    if not collection.state.is_final:
        raise NotReady(retry_after=2)
    require_match(request, entity_tag(collection, language=language))
    revision = await services.editor.rename(collection, title)
    renamed = replace(collection, title=title, revision=revision)
    return json_response(
        view_collection(renamed, language=language, with_material=False),
        headers={**VARIES, "ETag": entity_tag(renamed, language=language)},
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
    made = disclosure_headers(collection.generated_by, collection.model)
    return Response(content, headers={**_download_headers(collection.title, export), **made})


def _download_headers(title: str, export: Export) -> dict[str, str]:
    """The file is named by the collection's title, without the characters that file names cannot carry."""
    name = "".join(char if char.isalnum() or char in " -_" else " " for char in title)
    name = " ".join(name.split()) or "collection"
    return {
        "Content-Type": export.media_type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.{export.suffix}",
        **VARIES,
    }
