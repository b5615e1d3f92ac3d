"""One schema for every line of every process, and no word of a learner's in any of them, whoever speaks."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars
from tests.deadline import DEADLINE_SECONDS
from tests.factories import make_job, make_job_id
from tests.log_lines import kept_log, lines_of
from tests.paths import ROOT

from shared.runtime.observability.log_schema import ALLOWED, LogLine
from shared.runtime.observability.logging_setup import MAX_LINE_VALUE, current_job

WORD = "Xylophonium"
"""Stands for a learner's text."""
SET_BY_LOGS = {
    *("ts", "level", "service", "event", "logger", "error_at", "error_type", "dropped_keys"),
    *("request_id", "trace_id", "job_id", "kind", "attempt"),
}
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `log.…(…)` in the code, and where it is."""
    for path in [
        *ROOT.glob("shared/src/**/*.py"),
        *ROOT.glob("services/*/src/**/*.py"),
        *ROOT.glob("deploy/*/src/**/*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node
                case _:
                    pass


@pytest.mark.slow
def test_every_logged_event_has_a_name_and_keys_of_the_schema() -> None:
    wrong = [place for place, call in log_calls() if not is_in_order(call)]
    assert len(list(log_calls())) > 40
    assert wrong == []


def is_in_order(call: ast.Call) -> bool:
    keys = {keyword.arg for keyword in call.keywords}
    match call.args:
        case [ast.Constant(value=str(event))]:
            return EVENT.fullmatch(event) is not None and keys <= ALLOWED | {"exc_info"}
        case _:
            return False


@pytest.mark.slow
def test_every_key_of_the_schema_is_in_use() -> None:
    used = {keyword.arg for _, call in log_calls() for keyword in call.keywords}
    assert ALLOWED - used - SET_BY_LOGS == set()


def test_the_page_on_privacy_lists_the_keys_of_the_schema_and_no_other() -> None:
    page = (ROOT / "shared" / "docs" / "privacy.md").read_text(encoding="utf-8")
    table = page.split("## The log")[1].split("## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", "".join(rows))) == ALLOWED


def test_no_module_writes_past_the_logger() -> None:
    """No module prints, or logs by another way."""
    said = re.compile(
        r"\bprint\(|logging\.(?:debug|info|warning|error|exception)\(|getLogger\([^)]*\)\.(?:debug|info|warn|err)"
    )
    paths = [*ROOT.glob("shared/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]
    assert [str(path) for path in paths if said.search(path.read_text(encoding="utf-8"))] == []


def logged(**keys: Any) -> LogLine:
    with kept_log() as log:
        structlog.get_logger().info("thing.happened", **keys)
    (line,) = lines_of(log.getvalue())
    return line


def test_a_key_that_is_not_in_the_schema_is_dropped_and_counted() -> None:
    line = logged(count=3, text=WORD, prompt=WORD)
    assert (line.event, line.count, line.dropped_keys) == ("thing.happened", 3, 2)


@pytest.mark.parametrize("value", [[WORD], {"a": WORD}, WORD.encode(), ValueError(WORD)])
def test_a_value_that_is_not_a_plain_one_is_dropped_and_counted(value: object) -> None:
    line = logged(reason=value)
    assert (line.reason, line.dropped_keys) == (None, 1)


def test_a_long_value_is_cut() -> None:
    assert logged(reason="x" * 9_999).reason == "x" * MAX_LINE_VALUE + "…"


def test_every_line_of_an_attempt_names_it() -> None:
    job = make_job(attempt=2)
    current_job.set(job)
    try:
        line, of_another = logged(), logged(job_id=(other := make_job_id()))
    finally:
        current_job.set(None)
    assert (line.job_id, line.kind, line.attempt, line.request_id) == (job.id, "summary", 2, "req-1")
    assert (of_another.job_id, of_another.kind, of_another.request_id) == (other, None, None)


def test_every_line_of_a_request_names_it() -> None:
    with bound_contextvars(request_id="r-1", trace_id="t-1"):
        line = logged()
    assert (line.request_id, line.trace_id) == ("r-1", "t-1")


def test_the_lines_format_is_readable() -> None:
    with kept_log(log_format="lines") as log:
        structlog.get_logger().info("job.settled", state="succeeded", text=WORD)
    assert re.search(r"info .*job\.settled .*state=succeeded", log.getvalue())
    assert WORD not in log.getvalue()


SPEAKING = f"""
import asyncio, gc, logging, threading, warnings
import structlog
from shared.runtime.observability.logging_setup import configure_logs

configure_logs("tests", log_format="json", level="INFO")
words = "{WORD}"

class Closing:
    def __del__(self):
        raise ValueError(words)

async def forget():
    async def fail():
        raise ValueError(words)
    task = asyncio.ensure_future(fail())
    await asyncio.sleep(0)
    del task
    gc.collect()

def fail():
    raise ValueError(words)

logging.getLogger("pypdf").warning("cannot read %s", words)
logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
warnings.warn(words)
asyncio.run(forget())
thread = threading.Thread(target=fail)
thread.start()
thread.join()
Closing()
try:
    raise ExceptionGroup(words, [ValueError(words)])
except ExceptionGroup:
    structlog.get_logger().exception("thing.broke")
raise RuntimeError(words) from ValueError(words)
"""


@pytest.mark.process
def test_libraries_and_uncaught_exceptions_log_lines_of_the_schema_without_text() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SPEAKING],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )

    said = [(line.event, line.logger, line.error_type) for line in lines_of(ended.stdout)]
    assert said == [
        ("library.logged", "pypdf", None),
        ("Invalid HTTP request received.", "uvicorn.error", None),
        ("library.logged", "py.warnings", None),
        ("library.logged", "asyncio", "ValueError"),
        ("thread.failed", None, "ValueError"),
        ("cleanup.failed", None, "ValueError"),
        ("thing.broke", None, "ValueError"),
        ("process.failed", None, "RuntimeError"),
    ]
    assert WORD not in ended.stdout + ended.stderr
    assert (ended.stderr, ended.returncode) == ("", 1)
