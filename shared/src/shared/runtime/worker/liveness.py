"""Liveness files of a process without an HTTP port: `begun` exists once it works, and `alive` is as old as its last beat.

Probes of the container read them. A worker that hangs harms no job, because its leases run out, but its slots are lost
until it is restarted.
"""

import asyncio
from pathlib import Path

import structlog

BEAT_SECONDS = 5.0
"""Pause between two beats; the probes allow six of them."""

log = structlog.get_logger()


async def beat(folder: str, begun: asyncio.Event) -> None:
    """Touch `alive` in `folder` until cancelled, and `begun` too once the event is set. An empty folder name disables it."""
    while folder:
        try:
            _touch(Path(folder), ["alive", "begun"] if begun.is_set() else ["alive"])
        except OSError as error:
            log.warning("liveness.write_failed", path=folder, error_type=type(error).__name__)
        await asyncio.sleep(BEAT_SECONDS)


def _touch(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
