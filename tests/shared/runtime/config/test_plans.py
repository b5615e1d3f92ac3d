"""Reading the plans file."""

import json
from pathlib import Path

import msgspec
import pytest

from shared.domain.budgets import Plan
from shared.runtime.config.plans import DEFAULT_PLAN, read_plans
from shared.runtime.config.settings import InvalidSettings

LIMITS = {
    "tokens_per_day": 1,
    "tokens_per_month": 2,
    "requests_per_minute": 3,
    "concurrent_jobs": 4,
    "unfinished_jobs": 5,
}


def test_the_shipped_plans_include_the_default_and_larger_ones():
    plans = read_plans(None)

    assert plans["pro"].tokens_per_day > plans[DEFAULT_PLAN].tokens_per_day
    assert plans["pro"].items_per_job > plans[DEFAULT_PLAN].items_per_job


def test_a_plans_file_of_the_operator_replaces_the_shipped_one(tmp_path: Path):
    file = tmp_path / "plans.json"
    file.write_text(json.dumps({"free": LIMITS}))

    assert read_plans(file) == {"free": msgspec.convert(LIMITS, Plan)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "truncated"),
        ('{"free": {}}', "tokens_per_day"),
        (json.dumps({"free": {**LIMITS, "tokens": 1}}), "unknown field `tokens`"),
        (json.dumps({"free": {**LIMITS, "tokens_per_day": "many"}}), "Expected `int`"),
        (json.dumps({"pro": LIMITS}), "no plan `free`"),
    ],
)
def test_an_invalid_plans_file_is_reported_with_the_variable_and_the_fault(
    tmp_path: Path, content: str, said: str
):
    file = tmp_path / "plans.json"
    file.write_text(content)

    with pytest.raises(InvalidSettings, match=f"ETUDE_PLANS_FILE: .*{said}"):
        read_plans(file)


def test_a_missing_plans_file_is_reported_with_the_variable(tmp_path: Path):
    with pytest.raises(InvalidSettings, match="ETUDE_PLANS_FILE: cannot be read"):
        read_plans(tmp_path / "absent.json")
