"""The items of a collection: change, hide, flag and delete them, and add some."""

import hashlib
import secrets
from functools import partial
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response
from msgspec.structs import replace

from gateway.auth.authenticator import Caller
from gateway.http import openapi
from gateway.http.dependencies import (
    CurrentCaller,
    CurrentServices,
    ItemPatchBody,
    NewItemBody,
    count_refusals,
    require_known_query,
)
from gateway.http.item_bodies import ItemPatch, MoreItems, OwnCard, OwnItem, OwnQuestion, to_edit, to_own_item
from gateway.http.more_items import to_items_input
from gateway.http.request_headers import idempotency_key
from gateway.http.responses import VARIES, json_response, language_of, require_match
from gateway.http.schemas import (
    CollectionView,
    ItemView,
    JobView,
    entity_tag,
    view_collection,
    view_item,
    view_job,
)
from gateway.jobs.collection_editor import Item, find_item, material_of, require_room
from gateway.routes.collections import FoundCollection
from gateway.services import Services
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.domain.errors import NotReady
from shared.domain.jobs.job import Kind
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.edits import apply_edit

OWN_CARD = {"type": "flashcard", "front": "When does water boil?", "back": "at 100 °C"}
ID_BYTES = 6

router = APIRouter(
    prefix="/api/collections/{id}/items", tags=["collections"], dependencies=[Depends(require_known_query)]
)
ItemIdPath = Annotated[str, Path(alias="item", description="The id of a card or question.")]


async def find_finished(collection: FoundCollection) -> JobSnapshot:
    """Raises `NotFound`, and `NotReady` while the collection is being made."""
    if not collection.state.is_final:
        raise NotReady(retry_after=2)
    return collection


FinishedCollection = Annotated[JobSnapshot, Depends(find_finished)]


@router.patch(
    "/{item}",
    operation_id="editItem",
    summary="Change the words of a card or question, hide it, or flag it.",
    responses={
        200: openapi.returns("The item.", ItemView, headers=("ETag",)),
        **openapi.problems(*openapi.EDIT_PROBLEMS),
    },
    openapi_extra=openapi.takes(
        openapi.IF_MATCH, body=openapi.json_body(ItemPatch, {"front": "When does water boil?"})
    ),
)
async def edit_item(
    request: Request,
    collection: FinishedCollection,
    item_id: ItemIdPath,
    body: ItemPatchBody,
    services: CurrentServices,
) -> Response:
    item = find_item(collection, item_id)
    edit = to_edit(body, item, at=services.clock())
    require_match(request, entity_tag(collection, language=language_of(request)))
    revision = await services.editor.edit_item(collection, item_id, edit)
    return _item_response(request, replace(collection, revision=revision), apply_edit(item, edit))


@router.delete(
    "/{item}",
    operation_id="deleteItem",
    summary="Delete a card or question.",
    responses={
        200: openapi.returns("The collection, without its material.", CollectionView, headers=("ETag",)),
        **openapi.problems("not_found", "not_ready", "precondition_required", "precondition_failed"),
    },
    openapi_extra=openapi.takes(openapi.IF_MATCH),
)
async def delete_item(
    request: Request, collection: FinishedCollection, item_id: ItemIdPath, services: CurrentServices
) -> Response:
    find_item(collection, item_id)
    language = language_of(request)
    require_match(request, entity_tag(collection, language=language))
    changed = replace(collection, revision=await services.editor.delete_item(collection, item_id))
    return json_response(
        view_collection(changed, language=language, with_material=False),
        headers={**VARIES, "ETag": entity_tag(changed, language=language)},
    )


@router.post(
    "",
    operation_id="addItem",
    summary="Add a card or question of your own, or have more made of the text or of a part of it.",
    status_code=201,
    dependencies=[Depends(count_refusals)],
    responses={
        200: openapi.returns(
            "More items were made, or not, while you waited: the job.",
            JobView,
            headers=(*openapi.ACCEPTED_HEADERS, "Preference-Applied"),
        ),
        201: openapi.returns("Your item.", ItemView, headers=("ETag", "Idempotent-Replayed")),
        202: openapi.returns(
            "More items are being made: the job.",
            JobView,
            headers=(*openapi.ACCEPTED_HEADERS, "Retry-After"),
        ),
        **openapi.problems(*openapi.EDIT_PROBLEMS, *openapi.SUBMIT_PROBLEMS, "collection_full"),
    },
    openapi_extra=openapi.takes(
        openapi.IF_MATCH,
        openapi.IDEMPOTENCY_KEY,
        openapi.PREFER,
        body=openapi.json_body(openapi.one_of(OwnCard, OwnQuestion, MoreItems, tag_field="type"), OWN_CARD),
    ),
)
async def add_item(
    request: Request,
    caller: CurrentCaller,
    collection: FinishedCollection,
    body: NewItemBody,
    services: CurrentServices,
) -> Response:
    if isinstance(body, MoreItems):
        return await _make_more(request, caller, collection, body, services)
    return await _add_own(request, collection, body, services)


async def _make_more(
    request: Request, caller: Caller, collection: JobSnapshot, body: MoreItems, services: Services
) -> Response:
    """A repeated request is told by its key first: the collection may have changed, by its own items too."""
    request.state.submission_kind = Kind.ITEMS
    job_input = await run_in_cpu_pool(to_items_input, body, collection.id, material_of(collection))
    if not await services.submitter.was_submitted(request, caller):
        require_match(request, entity_tag(collection, language=language_of(request)))
        require_room(collection, job_input.options)
    submitted = await services.submitter.submit(
        request,
        caller,
        Kind.ITEMS,
        job_input,
        repeatable=collection.id.encode() + msgspec.json.encode(body),
    )
    return json_response(
        view_job(submitted.job, language=language_of(request)),
        status=200 if "Preference-Applied" in submitted.headers else 202,
        headers={**submitted.headers, "Location": f"/api/ai/{submitted.job.id}"},
    )


async def _add_own(request: Request, collection: JobSnapshot, body: OwnItem, services: Services) -> Response:
    """A repeated request is told by its key before its `If-Match` is looked at, because the first one has changed the tag."""
    material, key = material_of(collection), idempotency_key(request)
    item_id, fingerprint = _new_id(body, collection.id, key), _fingerprint(body) if key else ""
    if key and await services.editor.was_added(collection, item_id, fingerprint=fingerprint):
        return _item_response(request, collection, find_item(collection, item_id), status=201, is_replay=True)
    make = partial(
        to_own_item,
        item_id=item_id,
        text=material.text,
        language=material.language,
        at=services.clock(),
    )
    item = await run_in_cpu_pool(make, body)
    require_match(request, entity_tag(collection, language=language_of(request)))
    revision = await services.editor.add_item(collection, item, fingerprint=fingerprint)
    return _item_response(request, replace(collection, revision=revision), item, status=201)


def _item_response(
    request: Request, collection: JobSnapshot, item: Item, *, status: int = 200, is_replay: bool = False
) -> Response:
    tag = entity_tag(collection, language=language_of(request))
    replayed = {"Idempotent-Replayed": "true"} if is_replay else {}
    return json_response(
        view_item(collection, item, etag=tag), status=status, headers={**VARIES, "ETag": tag, **replayed}
    )


def _new_id(body: OwnItem, collection_id: str, key: str) -> str:
    """The same for the same idempotency key, and otherwise new. It begins like that of a made card or question."""
    prefix = "c" if isinstance(body, OwnCard) else "q"
    if not key:
        return prefix + secrets.token_hex(ID_BYTES)
    return prefix + hashlib.blake2b(f"{collection_id}:{key}".encode(), digest_size=ID_BYTES).hexdigest()


def _fingerprint(body: OwnItem) -> str:
    return hashlib.sha256(msgspec.json.encode(body)).hexdigest()
