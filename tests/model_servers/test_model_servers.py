"""Etude in front of model servers that others wrote: what the server refuses or does differently costs nobody anything."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.e2e.running import RunningStack, events_until_done
from tests.fakes import FakeResponseKeeper
from tests.model_servers import table, table_printer
from tests.model_servers.catalogue import KEY, SERVERS, ModelServer
from tests.model_servers.exercise import CHAT, KINDS, QUESTION, SOURCE, SUCCEEDED, connect, exercise
from tests.model_servers.installation import is_everything_promised
from tests.model_servers.relay import Relay
from tests.model_servers.server_process import running
from tests.paths import read_text

from local.ports import free_ports
from shared.adapters.redis.client import RedisClient
from shared.domain.jobs.job import AI_KINDS
from shared.domain.llm.prompts import instructions, request
from shared.domain.llm.provider import Prompt, Task
from shared.domain.provider_errors import ContextTooLong, ProviderGarbled
from shared.domain.study.material import NO_ITEMS, TextDraft

pytestmark = [pytest.mark.process, pytest.mark.slow]

BLAMES_THE_MODEL = {"provider_garbled"}
SLOW_MODEL_SECONDS = "300"
"""Time limit of a call to a real model, which shares two cores with everything else."""
EVERY_SERVER = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)


SHORT_PROMPT = Prompt(
    task=Task.TEXT,
    instructions='Reply with {"text": "yes"}.',
    source="Is the sky blue?",
    language="en",
    max_output_tokens=40,
)
TEXT_PROMPT = Prompt(
    task=Task.TEXT,
    instructions=instructions((Task.TEXT,), "en"),
    source=SOURCE,
    request=request((Task.TEXT,), "en", NO_ITEMS),
    language="en",
    max_output_tokens=1_000,
)
LONG_PROMPT = replace(SHORT_PROMPT, source=read_text("water_cycle.en.txt") * 4)


def settings_of(server: ModelServer) -> dict[str, str]:
    settings = {"OPENAI_API_KEY": KEY, "ETUDE_MODEL_FEATURES": server.features}
    return settings | ({"ETUDE_PROVIDER_TIMEOUT_SECONDS": SLOW_MODEL_SECONDS} if server.has_a_model else {})


@EVERY_SERVER
async def test_every_kind_and_a_chat(
    server: ModelServer,
    tmp_path: Path,
    real_redis: RedisClient,
    record_property: Callable[[str, object], None],
):
    if server.has_a_model and not is_everything_promised():
        pytest.skip("a real model takes minutes: set MODEL_SERVERS=all")
    async with running(server, tmp_path) as url:
        findings = await exercise(url, server.model, real_redis, **settings_of(server))
    record_property(table_printer.PROPERTY, table.row(server, findings))

    assert [trial.name for trial in findings.trials] == [*KINDS, CHAT]
    expected = {SUCCEEDED} if server.has_our_replies else {SUCCEEDED, *BLAMES_THE_MODEL}
    assert {trial.ended for trial in findings.trials} <= expected
    assert findings.trials[-1].ended == SUCCEEDED, "a chat takes whatever text there is"
    assert findings.is_gate_open
    assert all(0 < trial.tokens <= trial.hold * trial.calls for trial in findings.trials), (
        "a call stays within the hold, and one that is asked again is capped when it is charged (decision 35)"
    )
    assert not [trial.name for trial in findings.again if trial.refused], "refusals are remembered"


@pytest.mark.parametrize("server", [one for one in SERVERS if one.window], ids=lambda server: server.name)
async def test_a_text_beyond_the_window_is_sent_once_and_teaches_the_window(
    server: ModelServer, tmp_path: Path, real_redis: RedisClient
):
    async with (
        running(server, tmp_path) as url,
        Relay(url) as relay,
        connect(relay.url, server.model, real_redis, **settings_of(server)) as (provider, metrics),
    ):
        with suppress(ProviderGarbled):  # a small model may not write what is asked for
            await provider.complete(SHORT_PROMPT, TextDraft)
        relay.exchanges.clear()
        for _ in range(2):
            with pytest.raises(ContextTooLong):
                await provider.complete(LONG_PROMPT, TextDraft)
    assert metrics.learned.window == server.window
    assert [exchange.is_refused for exchange in relay.exchanges] == [True]


@pytest.mark.parametrize("server", [one for one in SERVERS if not one.has_a_model], ids=lambda one: one.name)
async def test_a_server_without_background_responses_is_asked_for_one_once(
    server: ModelServer, tmp_path: Path, real_redis: RedisClient
):
    """Half of these servers have no Responses API, and the others make the response while we wait."""
    settings = {**settings_of(server), "ETUDE_MODEL_BACKGROUND": "on"}
    async with (
        running(server, tmp_path) as url,
        Relay(url) as relay,
        connect(relay.url, server.model, real_redis, **settings) as (provider, metrics),
    ):
        for _ in range(2):
            with suppress(ProviderGarbled):  # fakellm writes the same whatever is asked for
                await provider.complete(replace(TEXT_PROMPT, keeper=FakeResponseKeeper()), TextDraft)
    assert sum(exchange.is_refused for exchange in relay.exchanges) <= 1
    assert sum("background" in exchange.request for exchange in relay.exchanges) == 1
    assert not metrics.learned.background


@pytest.mark.e2e
async def test_the_whole_stack_in_front_of_a_server(tmp_path: Path):
    server = SERVERS[0]
    async with running(server, tmp_path) as url:
        settings = {"OPENAI_BASE_URL": url, "ETUDE_MODEL": server.model, **settings_of(server)}
        await asyncio.to_thread(use_the_stack, tmp_path / "data", settings)


def use_the_stack(folder: Path, settings: Mapping[str, str]) -> None:
    """Each kind, a collection and a chat on it, as a client of the gateway."""
    with RunningStack(folder, free_ports(1)[0], settings) as stack, stack.client as client:
        for kind in AI_KINDS:
            job = finish(client, "/api/ai", {"kind": kind, "input": {"text": SOURCE}})
            assert (job["status"], job["generated_by"]) == (SUCCEEDED, "openai"), job
        collection = finish(client, "/api/collections", {"text": SOURCE})
        assert collection["status"] == "ready"
        question = {
            "messages": [{"role": "user", "content": QUESTION}],
            "collection_id": collection["id"],
        }
        reply = client.post("/api/chat", json=question).json()
        assert reply["generated_by"] == "openai", reply


def finish(client: httpx.Client, path: str, body: object) -> dict[str, Any]:
    accepted = client.post(path, json=body)
    assert accepted.status_code == 202, accepted.text
    location = accepted.headers["Location"]
    assert list(events_until_done(client, f"{location}/events"))
    return client.get(location).json()
