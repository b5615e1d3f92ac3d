"""Jobs: submit, show, list, cancel, remove, follow."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct

from gateway.http import openapi
from gateway.http.dependencies import (
    CurrentCaller,
    CurrentServices,
    JobIdPath,
    ai_body,
    authenticate,
    count_refusals,
    require_known_query,
    services_of,
)
from gateway.http.job_responses import follow_response, job_response
from gateway.http.pagination import RequestedPage, next_link
from gateway.http.request_bodies import AiRequest, to_ai_input
from gateway.http.request_headers import choice
from gateway.http.responses import VARIES, json_response, language_of
from gateway.http.schemas import JobView, view_job
from shared.domain.errors import NotFound
from shared.domain.jobs.job import AI_KINDS, JOB_KINDS, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot

EXAMPLE = {
    "kind": "flashcards",
    "input": {"text": "Water boils at one hundred degrees. It freezes at zero."},
    "options": {"flashcards": 5},
}

router = APIRouter(prefix="/api/ai", tags=["jobs"], dependencies=[Depends(require_known_query)])


class JobPage(Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: list[JobView]
    has_more: bool
    next_cursor: str | None


async def find_job(job_id: JobIdPath, caller: CurrentCaller, services: CurrentServices) -> JobSnapshot:
    """Raises `NotFound`."""
    job = await services.jobs.find(caller.user, job_id, JOB_KINDS)
    if job is None:
        raise NotFound
    return job


FoundJob = Annotated[JobSnapshot, Depends(find_job)]


@router.post(
    "",
    operation_id="submitJob",
    summary="Submit a text to have something made of it.",
    status_code=202,
    responses={
        200: openapi.returns(
            "Finished while you waited.",
            JobView,
            headers=(*openapi.ACCEPTED_HEADERS, "Preference-Applied"),
        ),
        202: openapi.returns(
            "Accepted and stored.", JobView, headers=(*openapi.ACCEPTED_HEADERS, "Retry-After")
        ),
        **openapi.problems(*openapi.SUBMIT_PROBLEMS, "not_found"),
    },
    openapi_extra=openapi.takes(
        openapi.IDEMPOTENCY_KEY, openapi.PREFER, body=openapi.json_body(AiRequest, EXAMPLE)
    ),
)
async def submit_job(request: Request) -> Response:
    """Calls its dependencies, which the other routes declare: FastAPI's solver costs too much here (decision 24)."""
    await count_refusals(request)
    caller = await authenticate(request)
    await require_known_query(request, caller)
    body = await ai_body(request, caller)
    services = services_of(request)
    request.state.submission_kind = body.kind
    kind, job_input = to_ai_input(body)
    submitted = await services.submitter.submit(request, caller, kind, job_input)
    job = submitted.job
    return json_response(
        view_job(job, language=language_of(request)),
        status=200 if "Preference-Applied" in submitted.headers else 202,
        headers={**submitted.headers, "Location": f"/api/ai/{job.id}"},
    )


@router.get(
    "",
    operation_id="listJobs",
    summary="List your jobs, newest first. Those that add items to a collection are listed with `kind=items` alone.",
    responses={
        200: openapi.returns("A page.", JobPage, headers=("Link",)),
        **openapi.problems("invalid_fields"),
    },
    openapi_extra=openapi.takes(openapi.LIMIT, openapi.AFTER, openapi.choice_parameter("kind", JOB_KINDS)),
)
async def list_jobs(
    request: Request, caller: CurrentCaller, page: RequestedPage, services: CurrentServices
) -> Response:
    query, language = request.query_params, language_of(request)
    kind = choice(query, "kind", JOB_KINDS, default="")
    kinds = (Kind(kind),) if kind else AI_KINDS
    found = await services.jobs.list_jobs(caller.user, kinds, before=page.before, limit=page.limit + 1)
    shown, cursor = page.cut(found)
    views = [view_job(job, language=language, with_result=False) for job in shown]
    return json_response(
        JobPage(data=views, has_more=cursor is not None, next_cursor=cursor),
        headers={**VARIES, **next_link("/api/ai", query, cursor)},
    )


@router.get(
    "/{id}",
    operation_id="showJob",
    summary="Show a job, with its result once it has succeeded.",
    responses={
        200: openapi.returns("The job.", JobView, headers=("ETag", "Retry-After", "AI-Disclosure")),
        304: openapi.returns("The job has not changed.", headers=("ETag", "Retry-After")),
        **openapi.problems("not_found"),
    },
    openapi_extra=openapi.takes(openapi.IF_NONE_MATCH),
)
async def show_job(request: Request, job: FoundJob) -> Response:
    return job_response(request, job, lambda: view_job(job, language=language_of(request)))


@router.delete(
    "/{id}",
    operation_id="cancelJob",
    summary="Cancel a job that has not ended; remove one that has. A second time after that there is none: 404.",
    responses={
        200: openapi.returns("The job: as it is now, or as it was when it was removed.", JobView),
        **openapi.problems("not_found"),
    },
)
async def cancel_job(
    request: Request, job_id: JobIdPath, caller: CurrentCaller, services: CurrentServices
) -> Response:
    found = await services.jobs.find(caller.user, job_id, JOB_KINDS)
    if found is not None and found.state.is_final:
        job = found if await services.jobs.remove(caller.user, job_id, JOB_KINDS) else None
    else:
        job = await services.jobs.cancel(caller.user, job_id, JOB_KINDS)
    if job is None:
        raise NotFound
    return json_response(view_job(job, language=language_of(request)))


@router.get(
    "/{id}/events",
    operation_id="followJob",
    summary="Follow a job: `status`, `progress`, `item`, and `done` at its end.",
    responses={
        200: openapi.EVENT_STREAM,
        204: openapi.NOTHING_LEFT,
        **openapi.problems("not_found", "invalid_fields", *openapi.STREAM_PROBLEMS),
    },
    openapi_extra=openapi.takes(openapi.LAST_EVENT_ID, openapi.LAST_EVENT_ID_QUERY),
)
async def follow_job(
    request: Request, caller: CurrentCaller, job: FoundJob, services: CurrentServices
) -> Response:
    return follow_response(request, services.event_streams, caller, job)
