"""The liveness files tell a probe that the event loop turns, and that Redis has answered once."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.servers import RealRedis

from shared.runtime.worker.liveness import beat


async def until_there(path: Path, *, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - a file has no event to wait for, and a look takes no time
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.worker.liveness.BEAT_SECONDS", 0.01)


async def test_alive_is_written_first_and_begun_once_the_event_is_set(tmp_path: Path) -> None:
    begun = asyncio.Event()
    beating = asyncio.create_task(beat(str(tmp_path / "pulse"), begun))
    await until_there(tmp_path / "pulse" / "alive")
    assert not (tmp_path / "pulse" / "begun").exists()
    begun.set()
    await until_there(tmp_path / "pulse" / "begun")
    beating.cancel()


async def test_alive_is_touched_again_and_again(tmp_path: Path) -> None:
    beating = asyncio.create_task(beat(str(tmp_path), asyncio.Event()))
    for _ in range(2):
        await until_there(tmp_path / "alive")
        (tmp_path / "alive").unlink()
    await until_there(tmp_path / "alive")
    beating.cancel()


async def test_an_unwritable_folder_does_not_end_the_beating(tmp_path: Path) -> None:
    (tmp_path / "pulse").touch()  # a file where the folder should be
    beating = asyncio.create_task(beat(str(tmp_path / "pulse"), asyncio.Event()))
    await asyncio.sleep(0)
    (tmp_path / "pulse").unlink()
    await until_there(tmp_path / "pulse" / "alive")
    beating.cancel()


async def test_an_empty_folder_name_disables_the_liveness_files() -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        await beat("", asyncio.Event())


async def test_a_worker_has_begun_once_redis_has_answered_a_read(
    redis_server: RealRedis, postgres_url: str, tmp_path: Path
) -> None:
    redis_server.server.stop()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ai_worker"),
        env={
            "ETUDE_REDIS_URL": redis_server.url,
            "ETUDE_POSTGRES_URL": postgres_url,
            "ETUDE_PULSE_DIR": str(tmp_path),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while b"consumer.redis_unreachable" not in (line := await worker.stdout.readline()):
                assert line, "the worker ended"  # else an ended worker would be read for ever
        await until_there(tmp_path / "alive")
        assert not (tmp_path / "begun").exists()
        redis_server.server.start()
        await until_there(tmp_path / "begun")
        worker.send_signal(signal.SIGTERM)
        await worker.stdout.read()
        assert await worker.wait() == 0
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
