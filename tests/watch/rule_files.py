"""The rules and their tests, as their files have them."""

from functools import cache

import msgspec
from msgspec import Struct, field
from tests.paths import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules"
TESTS = PROMETHEUS / "tests"


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    expr: str
    alert: str = ""
    record: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for_: str = field(name="for", default="")
    keep_firing_for: str = ""


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    rules: list[Rule]


class RuleFile(Struct, frozen=True, forbid_unknown_fields=True):
    groups: list[Group]


class AlertCheck(Struct, frozen=True):
    alertname: str
    exp_alerts: list[object]


class Case(Struct, frozen=True):
    name: str
    alert_rule_test: list[AlertCheck] = []


class TestFile(Struct, frozen=True):
    __test__ = False  # not for pytest to collect
    tests: list[Case]


@cache
def rules() -> tuple[Rule, ...]:
    files = (
        msgspec.yaml.decode(path.read_bytes(), type=RuleFile, strict=False) for path in RULES.glob("*.yml")
    )
    return tuple(rule for file in files for group in file.groups for rule in group.rules)


def alerts() -> dict[str, Rule]:
    return {rule.alert: rule for rule in rules() if rule.alert}


@cache
def cases() -> tuple[Case, ...]:
    files = (
        msgspec.yaml.decode(path.read_bytes(), type=TestFile, strict=False) for path in TESTS.glob("*.yml")
    )
    return tuple(case for file in files for case in file.tests)
