"""The whole system under a minute of faults: nothing lost, nothing doubled, nothing unbalanced."""

import time
from pathlib import Path

import pytest
from tests.chaos.__main__ import explain
from tests.chaos.checker.checker import check
from tests.chaos.faults.drills import list_drills
from tests.chaos.history.history import read_history, write_history
from tests.chaos.report.fault_table import measure
from tests.chaos.run import Plan, Watch, run

pytestmark = pytest.mark.e2e
PLAN = Plan(seed=1, jobs=300, drill=list_drills(is_short=True)["short"], rest_seconds=120.0)


async def test_every_promise_is_kept_while_processes_and_connections_die(tmp_path: Path) -> None:
    lines = await run(PLAN, tmp_path, clock=time.time, watch=Watch())
    write_history(tmp_path / "history.jsonl", lines)
    violations = check(read_history(tmp_path / "history.jsonl"))
    figures = measure(lines, violations)

    assert not violations, explain(PLAN, violations)
    # it would be easy to keep every promise while nothing is asked and nothing breaks
    assert figures.jobs > 200
    assert figures.faults >= 5
    assert figures.crashes >= 2
