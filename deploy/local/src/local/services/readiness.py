"""Waits until a service answers."""

import asyncio

from local.ports import LOOPBACK

POLL_SECONDS = 0.05
ANSWER_SECONDS = 3.0


async def wait_ready(port: int, path: str) -> None:
    """Return once the server at `port` answers `path` with 200."""
    while not await _answers(port, path):  # noqa: ASYNC110 - another process sends no signal when it listens
        await asyncio.sleep(POLL_SECONDS)


async def _answers(port: int, path: str) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n".encode())
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status_line
