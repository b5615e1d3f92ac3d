"""What a route may ask for in its signature: the caller, a decoded body, the services behind the API."""

from types import UnionType
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Path, Request
from msgspec import Struct

from gateway.auth.authenticator import Caller
from gateway.documents.multipart import read_upload
from gateway.http.item_bodies import ItemPatch, MoreItems, NewItem, OwnCard, OwnQuestion
from gateway.http.request_bodies import (
    AiRequest,
    CollectionPatch,
    CollectionRequest,
    to_collection_input,
)
from gateway.http.routing import query_parameters
from gateway.limits.request_limits import LARGE_BODY_BYTES
from gateway.services import Services
from shared.domain.errors import FieldProblem, InvalidFields, NotAuthenticated
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import CollectionInput
from shared.runtime.http.body_validation import MAX_ERRORS
from shared.runtime.http.request_body import JSON_BYTES, BodyDecoder, read_body, require_json

T = TypeVar("T", bound=Struct)


def services_of(request: Request) -> Services:
    return request.app.state.services


async def provide_services(request: Request) -> Services:
    return services_of(request)


CurrentServices = Annotated[Services, Depends(provide_services)]


async def authenticate(request: Request) -> Caller:
    """Raises `NotAuthenticated`, `TooManyFailures`, `TooManyRequests`, and `Unavailable` when no signing key could be fetched yet."""
    services, authorization = services_of(request), request.headers.get("authorization", "")
    try:
        caller = await services.authenticator.authenticate(authorization)
    except NotAuthenticated:
        await services.limits.count_failure(request.scope)
        raise
    await services.limits.count_request(caller)
    request.state.caller = caller
    return caller


CurrentCaller = Annotated[Caller, Depends(authenticate)]
JobIdPath = Annotated[str, Path(alias="id", description="A UUIDv7.", json_schema_extra={"format": "uuid"})]


async def require_known_query(request: Request, _: CurrentCaller) -> None:
    """Raises `InvalidFields` for a query parameter that the route does not describe: a misspelt one would be ignored otherwise."""
    if not request.scope["query_string"]:
        return
    known = query_parameters(request.scope["route"])
    if unknown := [name for name in dict.fromkeys(request.query_params) if name not in known]:
        raise InvalidFields(
            *(FieldProblem(f"/query/{name}", "unknown_field") for name in unknown[:MAX_ERRORS])
        )


async def read_json(request: Request, caller: Caller) -> bytes:
    """The body of a request with JSON. Raises what `require_json` and `read_body` raise, and `TooManyUploads`."""
    headers = request.headers
    require_json(headers.get("content-type", ""), headers.get("content-encoding", ""))
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) <= LARGE_BODY_BYTES:
        return await read_body(request.stream(), declared=declared)
    limits = services_of(request).limits
    with limits.large_body(caller.user):
        expected = min(int(declared[:20]), JSON_BYTES) if declared.isdecimal() else 0
        limits.count_bytes(caller, expected)
        body = await read_body(request.stream(), declared=declared)
    limits.count_bytes(caller, len(body) - expected)
    return body


class JsonBody(Generic[T]):
    """Decodes a JSON body with msgspec: `Annotated[AiRequest, Depends(JsonBody(AiRequest))]`."""

    def __init__(self, kind: type[T] | UnionType) -> None:
        self._decoder = BodyDecoder[T](kind)

    async def __call__(self, request: Request, caller: CurrentCaller) -> T:
        """Raises what `read_json` and `BodyDecoder.decode` raise."""
        return self._decoder.decode(await read_json(request, caller))


ai_body = JsonBody(AiRequest)
collection_body = JsonBody(CollectionRequest)


async def read_collection(
    request: Request, caller: CurrentCaller, services: CurrentServices
) -> CollectionInput:
    """A collection as JSON, or as a form with a document."""
    request.state.submission_kind = Kind.COLLECTION
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return await read_upload(request, caller.user, services.documents, caller.plan.documents)
    return to_collection_input(await collection_body(request, caller))


ItemPatchBody = Annotated[ItemPatch, Depends(JsonBody(ItemPatch))]
NewItemBody = Annotated[NewItem, Depends(JsonBody[OwnCard | OwnQuestion | MoreItems](NewItem))]
CollectionPatchBody = Annotated[CollectionPatch, Depends(JsonBody(CollectionPatch))]
AiBody = Annotated[AiRequest, Depends(ai_body)]
CollectionBody = Annotated[CollectionInput, Depends(read_collection)]


async def count_refusals(request: Request) -> None:
    """Mark the request as a submission: its refusals are counted, by the kind of job once that is known."""
    request.state.submission_kind = ""
