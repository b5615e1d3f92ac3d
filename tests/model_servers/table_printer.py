"""Prints the table of servers at the end of a test run, as a page of the documentation holds it. Every test run imports this."""

from collections.abc import Iterable, Sequence

import pytest

PROPERTY = "model_server"
COLUMNS = ("Server", "Structured output", "Limit", "Stream's usage", "Usage", "Succeed", "Chat", "Fail")


def render(rows: Iterable[Sequence[str]]) -> str:
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    rows = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    if rows:
        terminalreporter.section("model servers")
        terminalreporter.write_line(render(sorted(rows)))
