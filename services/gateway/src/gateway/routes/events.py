"""All events of a user in one stream, which replaces polling."""

from fastapi import APIRouter, Depends, Request, Response

from gateway.http import openapi
from gateway.http.dependencies import CurrentCaller, CurrentServices, require_known_query
from gateway.http.job_responses import follow_response

router = APIRouter(prefix="/api/events", tags=["jobs"], dependencies=[Depends(require_known_query)])


@router.get(
    "",
    operation_id="followAll",
    summary="Follow all your jobs and collections. Without `Last-Event-ID` the stream begins with the oldest event that"
    " is kept, up to a day back.",
    responses={200: openapi.EVENT_STREAM, **openapi.problems("invalid_fields", *openapi.STREAM_PROBLEMS)},
    openapi_extra=openapi.takes(openapi.LAST_EVENT_ID, openapi.LAST_EVENT_ID_QUERY),
)
async def follow_all(request: Request, caller: CurrentCaller, services: CurrentServices) -> Response:
    return follow_response(request, services.event_streams, caller)
