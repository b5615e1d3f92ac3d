"""The scripts as files: their contracts, and the one thing they share with Python, the names of keys."""

import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.factories import ADA
from tests.job_harness import JobHarness

from shared.adapters.redis import keys, scripts
from shared.domain.jobs.job import JobId, StreamName

FOLDER = Path(str(resources.files("shared.adapters.redis") / "lua"))


@pytest.mark.parametrize("script", scripts.ALL, ids=lambda script: script.name)
def test_a_script_opens_with_its_contract(script: scripts.Script[Any]) -> None:
    header = (FOLDER / script.folder / f"{script.name}.lua").read_text().split("\nlocal ")[0]
    assert header.startswith(f"-- {script.name}: ")
    assert "KEYS" in header
    assert "ARGV" in header
    assert "returns" in header


def test_every_script_file_is_in_use() -> None:
    files = {path.stem for path in FOLDER.rglob("*.lua")}
    assert files == {script.name for script in scripts.ALL} | {"prelude"}


@pytest.mark.parametrize("shard", [0, 7])
async def test_lua_and_python_make_the_same_key_names(harness: JobHarness, shard: int) -> None:
    prelude = (FOLDER / "prelude.lua").read_text()
    named = {
        "stream_key('ai')": keys.work_stream(shard, StreamName.AI),
        "record_key('j')": keys.record(shard, JobId("j")),
        "steps_key('j')": keys.steps(shard, JobId("j")),
        "contents_key('ada')": keys.contents(shard, ADA),
        "job_events_key('j')": keys.job_events(shard, JobId("j")),
        "user_events_key('ada')": keys.user_events(shard, ADA),
        "live_key('ada', 'ai')": keys.live(shard, ADA, StreamName.AI),
        "waiting_key('ada', 'ai')": keys.waiting(shard, ADA, StreamName.AI),
        "budget_key('ada', 'day:2026-11-23')": keys.budget(shard, ADA, "day:2026-11-23"),
        "requests_key('ada', 5)": keys.requests(shard, ADA, 5),
        "idempotency_key('ada', 'k')": keys.idempotency(shard, ADA, "k"),
        "job_idempotency_key('j')": keys.job_idempotency(shard, JobId("j")),
        "spent_key('p', 'day:2026-11-23')": keys.spent(shard, "p", "day:2026-11-23"),
        "hold_key('h')": keys.hold(shard, "h"),
        "sweep_key('ai')": keys.sweep(shard, StreamName.AI),
        "sweep_seen_key('ai')": keys.sweep_seen(shard, StreamName.AI),
        "sweep_cursor_key('ai')": keys.sweep_cursor(shard, StreamName.AI),
        "due_key": keys.due(shard),
        "holds_key": keys.holds(shard),
        "unsaved_key": keys.unsaved(shard),
        "dead_key": keys.dead(shard),
        "ledger_key": keys.ledger(shard),
        "since_key": keys.since(shard),
        "GROUP": keys.GROUP,
        "table.concat(STREAMS, ',')": ",".join(StreamName),
    }
    made = set(re.findall(r"^local function (\w+_key)\(", prelude, re.M))
    made |= set(
        re.findall(
            r"\b(\w+_key)(?=,| =)", " ".join(re.findall(r"^local (?!function).*_key.*", prelude, re.M))
        )
    )
    assert {name.split("(")[0] for name in named} == made | {"GROUP", "table.concat"}

    source = f"{prelude}\nreturn {{{', '.join(named)}}}"
    answer = await harness.command("EVAL", source, 1, keys.due(shard))
    assert [name.decode() for name in answer] == list(named.values())


async def test_a_server_that_forgot_the_scripts_is_told_them_again(harness: JobHarness) -> None:
    await harness.submit()
    await harness.command_everywhere("SCRIPT FLUSH")
    await harness.submit()
    assert len(await harness.lease(harness.stream())) == 2
