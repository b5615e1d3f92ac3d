"""Runs a model server as a process of its own, for as long as a test needs it."""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
from tests.model_servers.catalogue import SERVERS, ModelServer
from tests.model_servers.installation import require

from local.ports import free_ports

START_SECONDS = 180.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.1
LOG_CHARACTERS = 2_000


@asynccontextmanager
async def running(server: ModelServer, folder: Path) -> AsyncGenerator[str]:
    """Start the server, with the one behind it; returns its base URL. Skips the test if it is not installed."""
    require(server.name, [server.program, *server.needs], is_heavy=server.is_heavy)
    async with AsyncExitStack() as stack:
        behind = ""
        if server.behind:
            inner = next(one for one in SERVERS if one.name == server.behind)
            behind = await stack.enter_async_context(running(inner, folder))

        def command(port: int) -> list[str]:
            return [str(server.program), *server.arguments(folder, port, behind)]

        yield await stack.enter_async_context(running_program(server.name, command, server.environ, folder))


@asynccontextmanager
async def running_program(
    name: str, command: Callable[[int], Sequence[str]], environ: Mapping[str, str], folder: Path
) -> AsyncGenerator[str]:
    """Start a program with the `command` for a port; returns its base URL once it answers."""
    (port,) = free_ports(1)
    log = folder / f"{port}.log"
    process = _start(command(port), environ, log)
    try:
        if not await _is_ready(process, port):
            raise AssertionError(f"{name} ended: {_end_of(log)}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        await _stop(process)


def _path() -> str:
    return os.environ["PATH"]  # noqa: TID251 - handed on to a process, which looks for node there


def _start(command: Sequence[str], environ: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=log.parent,
            env={"PATH": _path(), "HOME": str(log.parent), **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_CHARACTERS:]


async def _is_ready(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Wait until the server answers anything but 503, which llama.cpp says while it loads. False if it ends instead."""
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(START_SECONDS):
        while process.poll() is None:
            with suppress(httpx.HTTPError):
                response = await client.get(f"http://127.0.0.1:{port}/v1/models", timeout=5.0)
                if response.status_code != 503:
                    return True
            await asyncio.sleep(POLL_SECONDS)
    return False


async def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        await asyncio.to_thread(process.wait, STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)
