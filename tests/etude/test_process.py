"""The command as the shell runs it: `python -m etude`."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, StreamingResponse
from tests.app_server import serving
from tests.deadline import DEADLINE_SECONDS
from tests.etude.fake_api import FakeApi

pytestmark = pytest.mark.process


def heed_sigint() -> None:
    """Undo an inherited SIG_IGN: a shell without job control starts its background jobs, and so this test, with one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def start(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "etude", *arguments),
        env={},
        stdout=PIPE,
        stderr=PIPE,
        preexec_fn=heed_sigint,
    )


async def test_a_failure_is_one_line_on_stderr_and_an_exit_code(tmp_path: Path):
    process = await start("--data-dir", str(tmp_path), "jobs")

    out, err = await process.communicate()

    assert (process.returncode, out) == (3, b"")
    assert err.startswith(b"etude: no stack runs in ")
    assert b"Traceback" not in err


async def test_an_interrupted_follower_leaves_the_job_running():
    is_followed, is_left = asyncio.Event(), asyncio.Event()

    async def silence() -> AsyncIterator[bytes]:
        yield b":\n\n"
        is_followed.set()
        await is_left.wait()

    fake = FakeApi()
    fake.on("POST", "/api/ai", JSONResponse({"id": "j1", "status": "queued"}, 202))
    fake.on("GET", "/api/ai/j1/events", StreamingResponse(silence(), media_type="text/event-stream"))
    async with serving(fake.app) as url, asyncio.timeout(DEADLINE_SECONDS):
        process = await start("--url", url, "--token", "t", "ai", "text", __file__)
        await is_followed.wait()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
        is_left.set()

    assert process.returncode == 130
    assert b"the job goes on: `etude jobs j1` shows it" in err
    assert b"Traceback" not in err
    assert fake.seen("DELETE", "/api/ai/j1") == []
