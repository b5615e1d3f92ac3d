"""Every alert fires when it should and not otherwise, and leads whoever hears it to what to do."""

import re
import shutil
from pathlib import Path

import pytest
from tests.conftest import skipped_without_server
from tests.watch.programs import ALERTMANAGER, run
from tests.watch.rule_files import PROMETHEUS, ROOT, TESTS, Rule, alerts, cases

RUNBOOKS = ROOT / "shared" / "docs" / "runbooks.md"
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
ALWAYS = {"Watchdog"}
"""What has no time to be silent in."""
WAITING = re.compile(r"^ +for: .+$", re.MULTILINE)

every_alert = pytest.mark.parametrize("alert", alerts().values(), ids=alerts().keys())


def promtool(*words: str) -> None:
    with skipped_without_server():
        code, said = run("promtool", *words)
    assert code == 0, said


def test_rules_and_configuration_are_what_prometheus_takes() -> None:
    promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.yml")), ids=lambda file: file.stem)
def test_the_rules_do_what_their_tests_say(file: Path) -> None:
    promtool("test", "rules", str(file))


def test_it_is_the_waiting_that_keeps_a_rolling_restart_silent(tmp_path: Path) -> None:
    copy = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    for file in (copy / "rules").iterdir():
        file.write_text(WAITING.sub("        for: 0s", file.read_text()))
    with skipped_without_server():
        code, said = run("promtool", "test", "rules", str(copy / "tests" / "rolling_restart.yml"))
    assert code != 0
    for hasty in ("ServiceMissing", "TargetDown", "NoActiveConsumers", "QueueWaitHigh", "ExporterStale"):
        assert f'alertname="{hasty}"' in said


@every_alert
def test_it_has_a_test_in_which_it_fires_and_one_in_which_it_is_silent(alert: Rule) -> None:
    asked = [
        [check.exp_alerts for check in case.alert_rule_test if check.alertname == alert.alert]
        for case in cases()
    ]
    assert any(any(expected) for expected in asked)
    if alert.alert not in ALWAYS:
        assert any(expected and not any(expected) for expected in asked)


@every_alert
def test_it_says_whom_it_wakes_after_how_long_and_why(alert: Rule) -> None:
    assert alert.labels["severity"] in ("page", "ticket", "info")
    assert alert.for_
    assert set(alert.annotations) == {"summary", "runbook_url", "dashboard_url"}
    assert not alert.annotations["summary"].endswith(".")


@every_alert
def test_its_links_lead_to_a_runbook_and_a_dashboard(alert: Rule) -> None:
    anchor = alert.alert.lower()
    assert alert.annotations["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}#{anchor}"
    board = alert.annotations["dashboard_url"].removeprefix("{{ $externalLabels.grafana }}/d/")
    assert (DASHBOARDS / f"{board}.json").exists()


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    sections = re.split(r"^### ", RUNBOOKS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert sorted(section.splitlines()[0] for section in sections) == sorted(alerts())
    for section in sections:
        assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == PARTS, section.splitlines()[0]


def test_links_between_runbooks_lead_somewhere() -> None:
    page = RUNBOOKS.read_text(encoding="utf-8")
    headings = {heading.lower() for heading in re.findall(r"^##+ (\w+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", page)) <= headings


def test_a_cause_fires_until_what_follows_from_it_has_forgotten() -> None:
    causes = {name for name, alert in alerts().items() if alert.keep_firing_for == "5m"}
    sources = re.findall(r"source_matchers: \[alertname =~? \"?([\w|]+)", ALERTMANAGER.read_text())
    outages = {name for source in sources for name in source.split("|")}
    # the others last as long as what they mute
    assert outages - causes == {"QueueWaitHigh", "SloBurnFast", "SloBurnHigh", "SloBurnMid"}


def test_few_alerts_wake_somebody() -> None:
    assert sum(alert.labels["severity"] == "page" for alert in alerts().values()) < len(alerts()) / 2
