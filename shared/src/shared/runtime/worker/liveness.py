"""The pulse of a process that no request reaches: one file says that it has begun, the age of another that its loop turns.

Whoever runs the process looks at them. A worker that hangs harms no job, as its leases run out; but its slots are lost
until it is started again.
"""

import asyncio
from pathlib import Path

import structlog

BEAT_SECONDS = 5.0

log = structlog.get_logger()


async def beat(folder: str, begun: asyncio.Event) -> None:
    """Touch `alive` in `folder` again and again, and `begun` as well once that is so. Until cancelled; without a folder nothing."""
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
