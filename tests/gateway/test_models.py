"""A request may name a model that its plan allows; another one is refused before anything is held."""

from typing import Any

import pytest
from tests.gateway.desk import COLLECTION, SUMMARY, Desk
from tests.job_harness import JobHarness

from shared.domain.jobs.payload import requested_model


def naming(body: dict[str, Any], model: str) -> dict[str, Any]:
    return {**body, "options": {"model": model}}


ROUTES = pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/ai", SUMMARY),
        ("/api/collections", COLLECTION),
        ("/api/usage/estimate", SUMMARY),
        ("/api/usage/estimate?for=collections", COLLECTION),
    ],
)


@ROUTES
async def test_a_model_outside_the_plan_is_refused_with_the_allowed_ones(
    desk: Desk, path: str, body: dict[str, Any]
):
    answer = await desk.client(plan="choosy").post(path, json=naming(body, "small"))

    assert answer.status_code == 403
    assert answer.json()["code"] == "model_not_allowed"
    assert "large, huge" in answer.json()["detail"]


@ROUTES
async def test_a_plan_without_models_allows_none(desk: Desk, path: str, body: dict[str, Any]):
    answer = await desk.client(plan="free").post(
        path, json=naming(body, "large"), headers={"Accept-Language": "fr"}
    )

    assert answer.status_code == 403
    assert answer.json()["detail"].endswith("que votre formule permet : aucun.")


@ROUTES
async def test_an_allowed_model_is_accepted_and_costs_no_more(desk: Desk, path: str, body: dict[str, Any]):
    client = desk.client(plan="choosy")
    plain, named = [(await client.post(path, json=one)).json() for one in (body, naming(body, "huge"))]

    assert held_tokens(plain) == held_tokens(named) > 0


def held_tokens(answer: dict[str, Any]) -> int:
    return answer["tokens"] if "tokens" in answer else answer["usage"]["held_tokens"]


async def test_the_choice_travels_with_the_job(desk: Desk, harness: JobHarness):
    await desk.client(plan="choosy").post("/api/ai", json=naming(SUMMARY, "huge"))

    job = await harness.lease_one(harness.stream())
    assert requested_model(job.payload) == "huge"


@pytest.mark.parametrize("model", ["", "m" * 101, 7])
async def test_a_name_that_no_model_can_have_is_an_invalid_field(desk: Desk, model: object):
    answer = await desk.client(plan="choosy").post("/api/ai", json={**SUMMARY, "options": {"model": model}})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/options/model"]
