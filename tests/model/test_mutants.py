"""The model finds every planted fault."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from tests.model.machine import run_histories
from tests.model.mutants import MUTANTS, Mutant
from tests.model.shard import Shard
from tests.servers import WHEEL

HUNT = settings(
    max_examples=400,
    stateful_step_count=50,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
    report_multiple_bugs=False,
)
"""No shrinking: it is enough that it is found. However busy the machine is."""


@pytest.mark.parametrize("redis_place", [WHEEL], indirect=True, ids=[""])
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_fault_is_found(shard: Shard, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    with pytest.raises(AssertionError):
        run_histories(shard, HUNT)


def test_no_fault_is_planted_twice() -> None:
    assert Counter(mutant.name for mutant in MUTANTS).most_common(1)[0][1] == 1
