"""What is left of a plan, and what a request would cost before it is made."""

from typing import Literal

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct

from gateway.auth.authenticator import Caller
from gateway.http import openapi
from gateway.http.dependencies import (
    CurrentCaller,
    CurrentServices,
    ai_body,
    collection_body,
    require_known_query,
)
from gateway.http.request_bodies import AiRequest, CollectionRequest, to_ai_input, to_collection_input
from gateway.http.request_headers import choice
from gateway.http.responses import json_response
from gateway.jobs.job_submission import price
from shared.domain.budgets import Balance, WindowName
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import JobInput
from shared.domain.timestamps import to_rfc3339

PRICED = ("ai", "collections")
LIMIT_HEADERS = ("RateLimit", "RateLimit-Policy")
BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"anyOf": [openapi.reference(AiRequest), openapi.reference(CollectionRequest)]}
        }
    },
}

router = APIRouter(prefix="/api/usage", tags=["usage"], dependencies=[Depends(require_known_query)])


class WindowView(Struct, frozen=True, kw_only=True):
    """Tokens of one budget window."""

    name: WindowName
    limit: int
    used: int
    held: int
    """Tokens held for jobs under way; what they do not use is returned."""
    left: int
    resets_at: str


class RequestsView(Struct, frozen=True, kw_only=True):
    """Submissions per minute."""

    limit: int
    left: int
    resets_at: str


class UnfinishedView(Struct, frozen=True, kw_only=True):
    """Jobs that are accepted and not final."""

    limit: int
    count: int


class AllowanceView(Struct, frozen=True, kw_only=True):
    object: Literal["usage"] = "usage"
    plan: str
    windows: list[WindowView]
    requests: RequestsView
    unfinished_jobs: UnfinishedView


class EstimateView(Struct, frozen=True, kw_only=True):
    object: Literal["estimate"] = "estimate"
    tokens: int
    """The most it can cost: this is held when the request is made, and what is not used is returned."""
    is_covered: bool
    """Whether the budget covers it now."""
    windows: list[WindowView]


@router.get(
    "",
    operation_id="showUsage",
    summary="What is left of your plan, and until when.",
    responses={
        200: openapi.returns("What is left.", AllowanceView, headers=LIMIT_HEADERS),
        **openapi.problems(),
    },
)
async def show_usage(caller: CurrentCaller, services: CurrentServices) -> Response:
    allowance, headers = await services.allowances.read(caller)
    view = AllowanceView(
        plan=caller.plan_name,
        windows=[_view_window(balance) for balance in allowance.balances],
        requests=RequestsView(
            limit=allowance.requests_limit,
            left=allowance.requests_left,
            resets_at=to_rfc3339(allowance.requests_reset_at),
        ),
        unfinished_jobs=UnfinishedView(limit=caller.plan.unfinished_jobs, count=allowance.unfinished_jobs),
    )
    return json_response(view, headers=headers)


@router.post(
    "/estimate",
    operation_id="estimateUsage",
    summary="The most that a request can cost: send the body you would send there. Nothing is made or charged.",
    responses={
        200: openapi.returns("The price.", EstimateView, headers=LIMIT_HEADERS),
        **openapi.problems(*openapi.BODY_PROBLEMS, "model_not_allowed", "too_many_items"),
    },
    openapi_extra=openapi.takes(openapi.choice_parameter("for", PRICED, "ai"), body=BODY),
)
async def estimate_usage(request: Request, caller: CurrentCaller, services: CurrentServices) -> Response:
    kind, job_input = await _read_input(request, caller)
    caller.plan.models.require_allowed(job_input.options.model)
    caller.plan.require_items(job_input.options)
    tokens = await price(kind, job_input)
    allowance, headers = await services.allowances.read(caller)
    view = EstimateView(
        tokens=tokens,
        is_covered=all(tokens <= balance.left for balance in allowance.balances),
        windows=[_view_window(balance) for balance in allowance.balances],
    )
    return json_response(view, headers=headers)


async def _read_input(request: Request, caller: Caller) -> tuple[Kind, JobInput]:
    if choice(request.query_params, "for", PRICED, default="ai") == "ai":
        return to_ai_input(await ai_body(request, caller))
    return Kind.COLLECTION, to_collection_input(await collection_body(request, caller))


def _view_window(balance: Balance) -> WindowView:
    return WindowView(
        name=balance.window.name,
        limit=balance.window.limit,
        used=balance.used,
        held=balance.held,
        left=balance.left,
        resets_at=to_rfc3339(balance.window.resets_at),
    )
