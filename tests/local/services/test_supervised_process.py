"""A child process: kept running, stopped when asked, never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.local.lines import Lines

from local.backoff import Backoff
from local.services.supervised_process import ServiceSpec, SupervisedProcess

AT_ONCE = Backoff(base_seconds=0.01, cap_seconds=0.01)


@pytest.fixture
def lines() -> Lines:
    return Lines()


def make_process(
    tmp_path: Path, lines: Lines, source: str, *, stop_seconds: float = 10.0
) -> SupervisedProcess:
    (tmp_path / "program.py").write_text(source)
    environ = {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    spec = ServiceSpec(name="program", module="program", environ=environ, stop_seconds=stop_seconds)
    return SupervisedProcess(spec, lines, backoff=AT_ONCE)


async def test_stdout_and_stderr_are_copied_in_whole_lines(tmp_path: Path, lines: Lines) -> None:
    child = make_process(
        tmp_path, lines, "import sys, signal\nprint('été')\nprint('oh', file=sys.stderr)\nsignal.pause()"
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(child.run())
        await lines.wait_for(lambda seen: len(seen) >= 2)
        await child.stop()
    assert sorted(lines.seen) == ["oh", "été"]


async def test_a_line_longer_than_the_buffer_does_not_stop_the_copying(tmp_path: Path, lines: Lines) -> None:
    child = make_process(
        tmp_path, lines, "import signal\nprint('x' * 3_000_000)\nprint('after')\nsignal.pause()"
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(child.run())
        await lines.wait_for(lambda seen: "after" in seen)
        await child.stop()
    assert "".join(lines.seen) == "x" * 3_000_000 + "after"


async def test_a_crashed_process_is_restarted_and_reported(tmp_path: Path, lines: Lines) -> None:
    child = make_process(tmp_path, lines, "import sys\nprint('started')\nsys.exit(3)")
    async with asyncio.TaskGroup() as group:
        group.create_task(child.run())
        await lines.wait_for(lambda seen: seen.count("started") >= 3)
        await child.stop()
    assert any(
        line.startswith("exited unexpectedly (exit code 3): restarts in 0.01 s") for line in lines.seen
    )


async def test_a_killed_process_is_restarted(tmp_path: Path, lines: Lines) -> None:
    child = make_process(tmp_path, lines, "import os, signal\nprint(os.getpid())\nsignal.pause()")
    async with asyncio.TaskGroup() as group:
        group.create_task(child.run())
        await lines.wait_for(lambda seen: len(seen) == 1)
        os.kill(int(lines.seen[0]), signal.SIGKILL)
        await lines.wait_for(lambda seen: len(seen) == 3)
        await child.stop()
    assert lines.seen[1].startswith("exited unexpectedly (SIGKILL)")


async def test_a_process_that_does_not_stop_is_killed_after_its_grace_period(
    tmp_path: Path, lines: Lines
) -> None:
    source = (
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid())\n"
        "while True: signal.pause()"
    )
    child = make_process(tmp_path, lines, source, stop_seconds=0.2)
    async with asyncio.TaskGroup() as group:
        group.create_task(child.run())
        await lines.wait_for(lambda seen: len(seen) == 1)
        await child.stop()
    assert lines.seen[1:] == ["did not stop in 0.2 s: killed"]
    assert not psutil.pid_exists(int(lines.seen[0]))


async def test_a_stop_during_the_pause_ends_the_waiting(tmp_path: Path, lines: Lines) -> None:
    (tmp_path / "program.py").write_text("raise SystemExit(1)")
    spec = ServiceSpec(
        name="program", module="program", environ={"PYTHONPATH": str(tmp_path)}, stop_seconds=1.0
    )
    child = SupervisedProcess(spec, lines, backoff=Backoff(base_seconds=3600.0, cap_seconds=3600.0))
    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(child.run())
        await lines.wait_for(lambda seen: len(seen) == 1)
        await child.stop()


def test_the_pause_doubles_up_to_its_cap() -> None:
    backoff = Backoff(base_seconds=1.0, cap_seconds=5.0)
    assert [backoff.delay(crashes) for crashes in (1, 2, 3, 4, 50)] == [1.0, 2.0, 4.0, 5.0, 5.0]


PARENT = """
import asyncio, io, os, signal, sys
from local.services.supervised_process import SupervisedProcess, ServiceSpec
from local.console import Console

async def main() -> None:
    spec = ServiceSpec(name="program", module="program", environ=dict(os.environ), stop_seconds=1.0)
    await SupervisedProcess(spec, Console(sys.stdout, is_coloured=False)).run()

asyncio.run(main())
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel ties a child's life to its parent's on Linux only"
)
def test_a_killed_stack_takes_its_children_with_it(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import os, signal\nprint(os.getpid())\nsignal.pause()")
    environ = {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], env=environ, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline().split()[-1]))
        parent.kill()
        parent.wait()
        child.wait(timeout=DEADLINE_SECONDS)
