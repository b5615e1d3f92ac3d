"""Jobs: submit, look, list, cancel, follow."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.types import ASGIApp

from gateway.auth.authenticator import Caller
from gateway.http import openapi
from gateway.http.endpoint import KIND, Endpoint
from gateway.http.event_streams import Listening
from gateway.http.job_responses import answer_seen, follow
from gateway.http.pagination import next_link, read_page
from gateway.http.request_bodies import AiRequest, ai_body, read_json, to_ai_input
from gateway.http.request_headers import choice
from gateway.http.responses import CACHED, answer_json, language_of
from gateway.http.schemas import JobView, view_job
from gateway.jobs.job_queries import Jobs
from gateway.jobs.job_submission import Submitter
from shared.domain.errors import NotFound
from shared.domain.jobs.job import AI_KINDS, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot

EXAMPLE = {
    "kind": "flashcards",
    "input": {"text": "Water boils at one hundred degrees. It freezes at zero."},
    "options": {"flashcards": 5},
}


class JobPage(Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: list[JobView]
    has_more: bool
    next_cursor: str | None


class AiRoutes:
    def __init__(self, jobs: Jobs, submitter: Submitter, listening: Listening) -> None:
        self._jobs = jobs
        self._submitter = submitter
        self._listening = listening

    async def submit(self, request: Request, caller: Caller) -> ASGIApp:
        body = ai_body.decode(await read_json(request))
        request.scope[KIND] = body.kind
        kind, job_input = to_ai_input(body)
        submitted = await self._submitter.submit(request, caller, kind, job_input)
        seen = submitted.seen
        return answer_json(
            view_job(seen, language=language_of(request)),
            status=200 if "Preference-Applied" in submitted.headers else 202,
            headers={**submitted.headers, "Location": f"/api/ai/{seen.id}"},
        )

    async def show(self, request: Request, caller: Caller) -> ASGIApp:
        seen = await self._find(request, caller)
        language = language_of(request)
        return answer_seen(request, seen, lambda: view_job(seen, language=language))

    async def list(self, request: Request, caller: Caller) -> ASGIApp:
        query, language = request.query_params, language_of(request)
        page = read_page(query)
        kind = choice(query, "kind", AI_KINDS, default="")
        kinds = (Kind(kind),) if kind else AI_KINDS
        seen = await self._jobs.list_jobs(caller.user, kinds, before=page.before, limit=page.limit + 1)
        shown, cursor = page.cut(seen)
        views = [view_job(one, language=language, with_result=False) for one in shown]
        return answer_json(
            JobPage(data=views, has_more=cursor is not None, next_cursor=cursor),
            headers={**CACHED, **next_link("/api/ai", query, cursor)},
        )

    async def cancel(self, request: Request, caller: Caller) -> ASGIApp:
        seen = await self._jobs.cancel(caller.user, request.path_params["id"], AI_KINDS)
        if seen is None:
            raise NotFound
        return answer_json(view_job(seen, language=language_of(request)))

    async def follow(self, request: Request, caller: Caller) -> ASGIApp:
        return await follow(request, self._listening, await self._find(request, caller))

    async def _find(self, request: Request, caller: Caller) -> JobSnapshot:
        seen = await self._jobs.find(caller.user, request.path_params["id"], AI_KINDS)
        if seen is None:
            raise NotFound
        return seen

    def endpoints(self) -> Sequence[Endpoint]:
        return [
            Endpoint("POST", "/api/ai", self.submit, SUBMIT, is_submission=True),
            Endpoint("GET", "/api/ai", self.list, LIST),
            Endpoint("GET", "/api/ai/{id}", self.show, SHOW),
            Endpoint("DELETE", "/api/ai/{id}", self.cancel, CANCEL),
            Endpoint("GET", "/api/ai/{id}/events", self.follow, FOLLOW),
        ]


SUBMIT = openapi.operation(
    "submitJob",
    "Submit a text to have something made of it.",
    tag="jobs",
    parameters=[openapi.IDEMPOTENCY_KEY, openapi.PREFER],
    body=openapi.json_body(AiRequest, EXAMPLE),
    answers={
        200: openapi.answer(
            "Done while you waited.",
            openapi.reference(JobView),
            headers=(*openapi.ACCEPTED_HEADERS, "Preference-Applied"),
        ),
        202: openapi.answer(
            "Accepted and stored.",
            openapi.reference(JobView),
            headers=(*openapi.ACCEPTED_HEADERS, "Retry-After"),
        ),
    },
    problems=(*openapi.SUBMIT_PROBLEMS, "not_found"),
)
LIST = openapi.operation(
    "listJobs",
    "List your jobs, newest first.",
    tag="jobs",
    parameters=[openapi.LIMIT, openapi.AFTER, openapi.choice_parameter("kind", AI_KINDS)],
    answers={200: openapi.answer("A page.", openapi.reference(JobPage), headers=("Link",))},
    problems=("invalid_fields",),
)
SHOW = openapi.operation(
    "showJob",
    "Show a job, with its result once it has succeeded.",
    tag="jobs",
    parameters=[openapi.JOB_ID, openapi.IF_NONE_MATCH],
    answers={
        200: openapi.answer("The job.", openapi.reference(JobView), headers=("ETag", "Retry-After")),
        304: openapi.answer("Nothing has changed.", headers=("ETag", "Retry-After")),
    },
    problems=("not_found",),
)
CANCEL = openapi.operation(
    "cancelJob",
    "Cancel a job. One that has ended is unchanged.",
    tag="jobs",
    parameters=[openapi.JOB_ID],
    answers={200: openapi.answer("The job as it is now.", openapi.reference(JobView))},
    problems=("not_found",),
)
FOLLOW = openapi.operation(
    "followJob",
    "Follow a job: `status`, `progress`, `item`, and `done` at its end.",
    tag="jobs",
    parameters=[openapi.JOB_ID, openapi.LAST_EVENT_ID, openapi.LAST_EVENT_ID_QUERY],
    answers=openapi.EVENT_ANSWERS,
    problems=("not_found", "invalid_fields"),
)
