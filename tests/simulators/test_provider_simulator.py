"""The simulator is what it says it is: others rest their tests on it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from tests.simulators.faults import BY_NAME, Fault, FaultKind, Faults, server_error
from tests.simulators.journal import CallState
from tests.simulators.pace import Pace
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.openai.json_schema import strict_schema
from shared.adapters.llm.openai.prompt_rendering import fence
from shared.domain.generation.call_plan import SCHEMAS
from shared.domain.llm.provider import Task
from shared.domain.study.material import CardDrafts, QuestionDrafts
from shared.domain.study.validation import check_cards, check_questions
from shared.domain.text.language import Language

SOURCES = {
    Language.EN: "The water cycle moves water between the oceans, the atmosphere and the land. Evaporation turns liquid"
    " water into vapor. Condensation forms clouds from tiny droplets. Precipitation returns water to the ground."
    " Groundwater feeds the springs during dry seasons.",
    Language.FR: "Le cycle de l’eau déplace l’eau entre les océans, l’atmosphère et les continents. L’évaporation"
    " transforme l’eau liquide en vapeur. La condensation forme les nuages avec de fines gouttelettes. Les"
    " précipitations ramènent l’eau vers le sol. Les nappes alimentent les sources pendant la sécheresse.",
}


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


@pytest.fixture
async def http(simulator: ProviderSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.url.removesuffix("/v1"), trust_env=False) as client:
        yield client


def request(source: str, task: Task | None = None, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": "model-1",
        "messages": [
            {"role": "system", "content": "Write items."},
            {"role": "user", "content": f"{fence(source)}\n\nWrite up to 4 cards and up to 4 questions."},
        ],
        **fields,
    }
    if task is not None:
        schema = {"name": task, "strict": True, "schema": strict_schema(SCHEMAS[(task,)])}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


async def post(http: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await http.post("/v1/chat/completions", json=body)


# -- answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [tasks[0] for tasks in SCHEMAS if len(tasks) == 1])
@pytest.mark.parametrize("language", list(Language))
async def test_an_answer_fits_the_schema_that_was_sent(
    task: Task, language: Language, http: httpx.AsyncClient
):
    body = request(SOURCES[language], task)
    answer = (await post(http, body)).json()

    content = json.loads(answer["choices"][0]["message"]["content"])
    jsonschema_rs.validate(body["response_format"]["json_schema"]["schema"], content)


@pytest.mark.parametrize("language", list(Language))
async def test_what_it_drafts_passes_the_checks(language: Language, http: httpx.AsyncClient):
    source = SOURCES[language]
    cards, questions = [
        (await post(http, request(source, task))).json()["choices"][0]["message"]["content"]
        for task in (Task.CARDS, Task.QUESTIONS)
    ]
    card_drafts = msgspec.json.decode(cards, type=CardDrafts).cards
    question_drafts = msgspec.json.decode(questions, type=QuestionDrafts).questions

    assert len(check_cards(card_drafts, text=source, language=language).items) == 4
    assert len(check_questions(question_drafts, text=source, language=language).items) >= 3


async def test_without_a_schema_it_quotes_what_bears_on_the_question(http: httpx.AsyncClient):
    body = request(SOURCES[Language.EN])
    body["messages"][-1]["content"] = f"{fence(SOURCES[Language.EN])}\n\nWhat forms clouds?"

    answer = (await post(http, body)).json()

    assert answer["choices"][0]["message"]["content"] == "“Condensation forms clouds from tiny droplets.”"


async def test_an_answer_is_no_longer_than_allowed(http: httpx.AsyncClient):
    answer = (await post(http, request(SOURCES[Language.EN], Task.CARDS, max_completion_tokens=20))).json()

    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 20


async def test_a_field_the_api_does_not_have_is_refused(http: httpx.AsyncClient):
    assert (await post(http, request("A text.", temprature=0.5))).status_code == 400
    assert (await http.post("/v1/other", json={})).status_code == 404


async def test_headers_tell_the_request_and_the_limits(http: httpx.AsyncClient):
    answer = await post(http, request("A text."))

    assert answer.headers["x-request-id"]
    assert int(answer.headers["x-ratelimit-remaining-requests"]) > 0
    assert "openai-processing-ms" in answer.headers


async def test_a_connection_serves_many_calls(simulator: ProviderSimulator, http: httpx.AsyncClient):
    for _ in range(3):
        await post(http, request("A text."))

    assert [call.state for call in simulator.journal.calls] == [CallState.ANSWERED] * 3


# -- faults, pace, journal ----------------------------------------------------------------------------------------


async def test_faults_come_in_their_order_and_to_whom_they_are_meant(
    simulator: ProviderSimulator, http: httpx.AsyncClient
):
    simulator.faults.add(Fault(kind=FaultKind.ERROR, status=418, model="other"), server_error())

    statuses = [(await post(http, request("A text."))).status_code for _ in range(2)]
    other = await post(http, request("A text.", model="other"))

    assert statuses == [500, 200]
    assert other.status_code == 418
    assert [call.fault for call in simulator.journal.calls] == ["server_error", "", "error"]


def test_chance_is_the_same_for_the_same_seed():
    def drawn(seed: int) -> list[str]:
        faults = Faults()
        faults.set_rates({"rate_limited": 0.2, "reset": 0.1}, seed=seed)
        found = (faults.next_for("m", "") for _ in range(200))
        return [fault.kind if fault else "" for fault in found]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 20 < drawn(1).count(FaultKind.ERROR) < 60
    assert 5 < drawn(1).count(FaultKind.RESET) < 40


def test_chance_knows_its_faults_by_name():
    with pytest.raises(KeyError):
        Faults().set_rates({"flood": 0.1})
    assert {"rate_limited", "out_of_credit", "server_error", "overloaded", "hang", "cut"} <= set(BY_NAME)


async def test_it_is_ruled_and_read_over_http(http: httpx.AsyncClient):
    faults = {"add": [{"kind": "error", "status": 503}], "rates": {"server_error": 1.0}, "seed": 7}
    settings = {"latency_seconds": 0.001, "requests_per_minute": 1_000}
    assert (await http.post("/_control/faults", json=faults)).status_code == 200
    assert (await http.post("/_control/settings", json=settings)).status_code == 200

    headers = {"X-Client-Request-Id": "job-1/cards/0"}
    first = await http.post("/v1/chat/completions", json=request("A text."), headers=headers)
    second = await post(http, request("A text."))
    await http.delete("/_control/faults")
    third = await post(http, request("A text."))

    assert [answer.status_code for answer in (first, second, third)] == [503, 500, 200]
    assert third.headers["x-ratelimit-limit-requests"] == "1000"
    calls = (await http.get("/_control/journal")).json()["calls"]
    assert [call["call_id"] for call in calls] == ["job-1/cards/0", "", ""]
    assert [call["state"] for call in calls] == ["answered"] * 3
    await http.delete("/_control/journal")
    assert (await http.get("/_control/journal")).json() == {"calls": []}
    assert (await http.post("/_control/faults", json={"ad": []})).status_code == 400


async def test_too_fast_is_told_when_to_come_back(simulator: ProviderSimulator, http: httpx.AsyncClient):
    simulator.pace = Pace(requests_per_minute=2)

    answers = [await post(http, request("A text.")) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after-ms"]) <= 30_001
    assert answers[2].json()["error"]["code"] == "rate_limit_exceeded"


def test_a_pace_counts_tokens_and_refills():
    pace = Pace(tokens_per_minute=600)

    assert pace.wait_for(600, now=0.0) == 0.0
    assert pace.wait_for(100, now=0.0) == 10.0
    assert pace.wait_for(100, now=10.0) == 0.0
    assert pace.headers(10.0)["x-ratelimit-remaining-tokens"] == "0"


async def test_the_journal_says_who_hung_up(simulator: ProviderSimulator, http: httpx.AsyncClient):
    simulator.faults.add(Fault(kind=FaultKind.HANG))
    call = asyncio.create_task(post(http, request("A text.")))
    await simulator.journal.until(lambda calls: len(calls) == 1)
    assert simulator.journal.calls[0].state is CallState.RUNNING

    call.cancel()
    await asyncio.wait([call])
    await simulator.journal.until_ended()

    (journalled,) = simulator.journal.calls
    assert journalled.state is CallState.HUNG_UP
    assert journalled.ended_at is not None
    assert journalled.ended_at >= journalled.started_at


@pytest.mark.process
def test_it_runs_as_a_process():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.provider"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("ready: ").strip()
        answer = httpx.post(f"{url}/chat/completions", json=request("A text."), trust_env=False)
        assert answer.status_code == 200
    finally:
        process.kill()
        process.communicate()
