"""The response for one job or collection: 304, its view, or a stream of its events."""

from collections.abc import Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway.auth.authenticator import Caller
from gateway.events.event_streams import EventStreams
from gateway.http.request_headers import resume_from
from gateway.http.responses import (
    VARIES,
    AsgiResponse,
    is_unchanged,
    json_response,
    language_of,
    not_modified_response,
)
from gateway.http.schemas import entity_tag
from gateway.jobs.job_submission import POLL_SECONDS
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.runtime.http.ai_disclosure import disclosure_headers


def job_response(request: Request, job: JobSnapshot, view: Callable[[], Struct]) -> Response:
    """The job or collection as it is now; 304 when the reader has it already."""
    headers = {**VARIES, "ETag": entity_tag(job, language=language_of(request))}
    if not job.state.is_final:
        headers["Retry-After"] = str(POLL_SECONDS)
    headers |= disclosure_headers(job.generated_by, job.model)
    if is_unchanged(request, headers["ETag"]):
        return not_modified_response(headers)
    return json_response(view(), headers=headers)


def follow_response(
    request: Request, streams: EventStreams, caller: Caller, job: JobSnapshot | None = None
) -> Response:
    """The events of a job, or of all jobs of the caller, live or replayed."""
    after, language = resume_from(request), language_of(request)
    return AsgiResponse(streams.follow(caller, job, after=after, language=language))
