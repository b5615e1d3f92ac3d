"""A route that is added the usual FastAPI way has callers and problems like the others."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Response
from msgspec import Struct
from tests.gateway.desk import make_token

from gateway.app import create_api
from gateway.http.dependencies import CurrentCaller
from gateway.http.responses import json_response
from gateway.services import Parts, Services

router = APIRouter()


class Greeting(Struct):
    user: str
    times: int


@router.get("/api/greeting")
async def greet(caller: CurrentCaller, times: Annotated[int, Query(ge=1)] = 1) -> Response:
    return json_response(Greeting(caller.user, times))


@pytest.fixture
def app(parts: Parts) -> FastAPI:
    app = create_api(Services(parts))
    app.include_router(router)
    return app


async def get(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        return await client.get(path, headers=headers)


async def test_a_new_route_gets_its_caller(app: FastAPI):
    response = await get(app, "/api/greeting?times=2", Authorization=f"Bearer {make_token()}")
    assert response.json() == {"user": "ada", "times": 2}


async def test_a_new_route_refuses_unauthenticated_requests_with_a_problem(app: FastAPI):
    response = await get(app, "/api/greeting")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


async def test_an_invalid_parameter_has_a_pointer(app: FastAPI):
    response = await get(app, "/api/greeting?times=0", Authorization=f"Bearer {make_token()}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_fields")
    assert [error["pointer"] for error in response.json()["errors"]] == ["/query/times"]
