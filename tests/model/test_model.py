"""The scripts and a plain Python model of the job life agree after every step of any history, on a real Redis.

Quick and the same every time; `make test TESTS=tests/model/test_model.py ARGS=--hypothesis-profile=long` looks for minutes.
"""

import pytest
from hypothesis import HealthCheck, settings
from tests.model.machine import run_histories
from tests.model.shard import Shard
from tests.servers import MACHINE, WHEEL

QUICK = settings(
    max_examples=200,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)

QUICKER = settings(QUICK, max_examples=60)
"""Enough to see that a newer server does what the oldest one does."""


@pytest.mark.parametrize(
    ("redis_place", "quick"),
    [(WHEEL, QUICK), (MACHINE, QUICKER)],
    indirect=["redis_place"],
    ids=["oldest", "machine"],
)
def test_scripts_do_what_the_model_says(shard: Shard, quick: settings) -> None:
    is_long = settings.get_current_profile_name() == "long"
    run_histories(shard, settings.get_profile("long") if is_long else quick)
