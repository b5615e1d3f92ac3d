"""A request for Chat Completions, as a background response of the Responses API."""

import pytest
from tests.fakes import FakeResponseKeeper

from shared.adapters.llm.openai.background.background_request import output_limit, to_background
from shared.adapters.llm.openai.background.response_slot import ResponseSlot
from shared.adapters.llm.openai.ladder.abilities import OPENAI, PLAINEST, Abilities
from shared.adapters.llm.openai.prompt_rendering import render_prompt
from shared.adapters.llm.openai.request import Request, RequestBuilder
from shared.domain.llm.provider import KeptResponse, Prompt, Task
from shared.domain.study.material import SummaryDraft

PROMPT = Prompt(
    task=Task.SUMMARY,
    instructions="Summarise.",
    source="Water boils at one hundred degrees.",
    language="en",
    max_output_tokens=300,
    cache_key="source-1",
    safety_id="user-hash",
    call_id="job-1/summary",
)


def build(abilities: Abilities = OPENAI) -> Request:
    builder = RequestBuilder("model-1", reasoning_effort="low")
    return builder.completion(render_prompt(PROMPT), PROMPT, SummaryDraft, abilities, max_output_tokens=300)


def key_of(name: str, request: Request, kept: KeptResponse | None = None) -> str:
    keeper = FakeResponseKeeper()
    if kept:
        keeper.kept[name] = kept
    return ResponseSlot(keeper, name).sign(request)["extra_headers"]["Idempotency-Key"]


def test_every_field_is_translated() -> None:
    chat = build()
    background = to_background(chat)
    text_format = background.pop("text")["format"]

    assert text_format == {"type": "json_schema", **chat["response_format"]["json_schema"]}
    assert background == {
        "model": "model-1",
        "background": True,
        "store": True,
        "stream": True,
        "instructions": chat["messages"][0]["content"],
        "input": chat["messages"][1:],
        "max_output_tokens": 300,
        "reasoning": {"effort": "low"},
        "prompt_cache_key": "source-1",
        "safety_identifier": "user-hash",
        "extra_headers": {"X-Client-Request-Id": "job-1/summary"},
    }


def test_what_the_server_refused_is_left_out() -> None:
    background = to_background(build(PLAINEST))

    assert {"text", "reasoning", "prompt_cache_key", "safety_identifier"}.isdisjoint(background)


@pytest.mark.parametrize("request_body", [build(), build(PLAINEST), to_background(build())])
def test_the_limit_is_found_in_each_field(request_body: Request) -> None:
    assert output_limit(request_body) == 300


def test_the_same_purchase_has_the_same_key() -> None:
    request, other = to_background(build()), to_background(build(PLAINEST))
    lost = KeptResponse("resp_1")

    assert key_of("first", request) == key_of("first", request)
    keys = {
        key_of("first", request),
        key_of("first", other),
        key_of("second", request),
        key_of("first", request, lost),
        key_of("first", {**request, "extra_headers": {"X-Client-Request-Id": "job-2/summary"}}),
    }
    assert len(keys) == 5
