"""What FastAPI's routes do not do by themselves: answer HEAD, and skip the dependency solver."""

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Match, Route
from starlette.types import Scope


class DirectRoute(Route):
    """Serves an endpoint that takes only the request, without FastAPI's handler around it (decision 24)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is not Match.NONE:
            child_scope["route"] = self  # as FastAPI's routes do: the middleware reads its template
        return match, child_scope


def query_parameters(route: Route) -> frozenset[str]:
    """The names of the query parameters that a route describes."""
    if not isinstance(route, APIRoute):
        return frozenset()
    described = (route.openapi_extra or {}).get("parameters", ())
    declared = (one.alias for one in route.dependant.query_params)
    return frozenset((*(one["name"] for one in described if one["in"] == "query"), *declared))


def routes_of(routers: Iterable[APIRouter]) -> list[APIRoute]:
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def head_router(routes: Iterable[APIRoute]) -> APIRouter:
    """HEAD for every GET (RFC 9110). The server sends no body."""
    router = APIRouter()
    for route in routes:
        if "GET" in (route.methods or ()):
            router.add_api_route(
                route.path,
                route.endpoint,
                methods=["HEAD"],
                dependencies=route.dependencies,
                openapi_extra=route.openapi_extra,
                include_in_schema=False,
            )
    return router
