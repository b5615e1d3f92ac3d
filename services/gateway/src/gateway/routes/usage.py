"""What is left, until when; and what a request would cost before it is made."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.types import ASGIApp

from gateway.auth.authenticator import Caller
from gateway.http import openapi
from gateway.http.endpoint import Endpoint
from gateway.http.request_bodies import (
    AiRequest,
    CollectionRequest,
    ai_body,
    collection_body,
    read_json,
    to_ai_input,
    to_collection_input,
)
from gateway.http.request_headers import choice
from gateway.http.responses import answer_json
from gateway.http.schemas import rfc3339
from gateway.jobs.job_submission import price
from shared.adapters.redis.budget_store import BudgetStore
from shared.domain.budgets import Balance, WindowName
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import Kind
from shared.domain.jobs.submission import Allowance
from shared.runtime.http.rate_limit_headers import Requests, limit_headers

PRICED = ("ai", "collections")


class WindowView(Struct, frozen=True, kw_only=True):
    """Tokens of one window."""

    name: WindowName
    limit: int
    used: int
    held: int
    """For what is under way; what is not used of it comes back."""
    left: int
    resets_at: str


class RequestsView(Struct, frozen=True, kw_only=True):
    """Requests that make something, by the minute."""

    limit: int
    left: int
    resets_at: str


class UnfinishedView(Struct, frozen=True, kw_only=True):
    """Jobs accepted and not final."""

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
    """At most: this is held when the request is made, and what is not used of it comes back."""
    is_covered: bool
    """Whether the budget covers it now."""
    windows: list[WindowView]


class UsageRoutes:
    def __init__(self, budgets: BudgetStore, *, clock: Callable[[], float]) -> None:
        self._budgets = budgets
        self._clock = clock

    async def show(self, request: Request, caller: Caller) -> ASGIApp:
        allowance, headers = await self._allowance(caller)
        view = AllowanceView(
            plan=caller.plan_name,
            windows=[_view_window(balance) for balance in allowance.balances],
            requests=RequestsView(
                limit=allowance.requests_limit,
                left=allowance.requests_left,
                resets_at=rfc3339(allowance.requests_reset_at),
            ),
            unfinished_jobs=UnfinishedView(
                limit=caller.plan.unfinished_jobs, count=allowance.unfinished_jobs
            ),
        )
        return answer_json(view, headers=headers)

    async def estimate(self, request: Request, caller: Caller) -> ASGIApp:
        priced = choice(request.query_params, "for", PRICED, default="ai")
        body = await read_json(request)
        tokens = await (_price_ai(body) if priced == "ai" else _price_collection(body))
        allowance, headers = await self._allowance(caller)
        view = EstimateView(
            tokens=tokens,
            is_covered=all(tokens <= balance.left for balance in allowance.balances),
            windows=[_view_window(balance) for balance in allowance.balances],
        )
        return answer_json(view, headers=headers)

    async def whats_left(self, caller: Caller) -> Mapping[str, str]:
        """Headers for who is refused something; none when the store went away meanwhile."""
        try:
            return (await self._allowance(caller))[1]
        except StoreUnavailable:
            return {}

    async def _allowance(self, caller: Caller) -> tuple[Allowance, dict[str, str]]:
        now = self._clock()
        allowance = await self._budgets.allowance(caller.user, caller.plan, now=now)
        requests = Requests(allowance.requests_limit, allowance.requests_left)
        left = limit_headers(allowance.balances, now=now, requests=requests)
        return allowance, {"Cache-Control": "no-store", **left}

    def endpoints(self) -> Sequence[Endpoint]:
        return [
            Endpoint("GET", "/api/usage", self.show, SHOW),
            Endpoint("POST", "/api/usage/estimate", self.estimate, ESTIMATE),
        ]


async def _price_ai(body: bytes) -> int:
    return await price(*to_ai_input(ai_body.decode(body)))


async def _price_collection(body: bytes) -> int:
    return await price(Kind.COLLECTION, to_collection_input(collection_body.decode(body)))


def _view_window(balance: Balance) -> WindowView:
    return WindowView(
        name=balance.window.name,
        limit=balance.window.limit,
        used=balance.used,
        held=balance.held,
        left=balance.left,
        resets_at=rfc3339(balance.window.resets_at),
    )


LIMIT_HEADERS = ("RateLimit", "RateLimit-Policy")
SHOW = openapi.operation(
    "showUsage",
    "What is left of your plan, and until when.",
    tag="usage",
    answers={200: openapi.answer("What is left.", openapi.reference(AllowanceView), headers=LIMIT_HEADERS)},
)
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"anyOf": [openapi.reference(AiRequest), openapi.reference(CollectionRequest)]}
        }
    },
}
ESTIMATE = openapi.operation(
    "estimateUsage",
    "What a request would cost at most: send the body you would send there. Nothing is made or charged.",
    tag="usage",
    parameters=[openapi.choice_parameter("for", PRICED, "ai")],
    body=_BODY,
    answers={200: openapi.answer("The price.", openapi.reference(EstimateView), headers=LIMIT_HEADERS)},
    problems=openapi.BODY_PROBLEMS,
)
