"""The scripts and a plain Python model of the job life agree after every step of any history, on a real Redis."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.model.machine import JobLifeMachine
from tests.model.shard import Shard
from tests.servers import MACHINE, WHEEL

QUICK = settings(
    max_examples=200, stateful_step_count=30, derandomize=True, deadline=None, report_multiple_bugs=False
)


@pytest.mark.parametrize("redis_place", [WHEEL, MACHINE], indirect=True)
def test_scripts_do_what_the_model_says(shard: Shard) -> None:
    run_state_machine_as_test(lambda: JobLifeMachine(shard), settings=QUICK)
