"""A few kills of workers in the middle of their calls: each step is executed once, and charged once."""

from pathlib import Path

import pytest
from tests.chaos.background.drill import running_drill

pytestmark = pytest.mark.e2e
KILLS = 5


async def test_a_killed_worker_wastes_no_call(tmp_path: Path) -> None:
    async with running_drill(tmp_path, seed=1) as drill:
        count = await drill.run(KILLS, tell=lambda _: None)

    assert count.executions_per_step == 1
    assert count.executed == count.charged
    assert count.dead_letters == 0
    # nothing would be wasted either if nothing had been interrupted
    assert count.interrupted >= KILLS
