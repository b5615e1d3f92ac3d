"""One job or collection as an answer: unchanged, as it is, or as a stream of what happens to it."""

from collections.abc import Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.http.event_streams import Listening
from gateway.http.request_headers import resume_from
from gateway.http.responses import CACHED, answer_json, answer_unchanged, is_unchanged, language_of
from gateway.http.schemas import entity_tag
from gateway.jobs.job_submission import POLL_SECONDS
from shared.domain.jobs.job_snapshot import JobSnapshot


def answer_seen(request: Request, seen: JobSnapshot, view: Callable[[], Struct]) -> ASGIApp:
    """A job or collection as it is now; 304 when the reader has it."""
    headers = {**CACHED, "ETag": entity_tag(seen, language=language_of(request))}
    if not seen.state.is_final:
        headers["Retry-After"] = str(POLL_SECONDS)
    if is_unchanged(request, headers["ETag"]):
        return answer_unchanged(headers)
    return answer_json(view(), headers=headers)


async def follow(request: Request, listening: Listening, seen: JobSnapshot) -> ASGIApp:
    """The job's events, live or replayed; 204 when everything was heard, which ends a browser's reconnects."""
    after, language = resume_from(request), language_of(request)
    if not seen.state.is_final:
        return listening.to_job(seen.user, seen.id, after=after, language=language)
    stream = await listening.to_final(seen, after=after, language=language)
    return stream or Response(status_code=204, headers={"Cache-Control": "no-store"})
