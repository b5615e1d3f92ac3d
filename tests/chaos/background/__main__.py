"""`python -m tests.chaos.background`: kills workers in the middle of their calls, and counts what was executed twice.

With `--all` it does so also on a server that ignores idempotency keys, and without background responses.
"""

# ruff: noqa: T201 - what it counted is what it is run for

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from msgspec import Struct
from tests.chaos.background.drill import Count, running_drill

SHOWN_EVERY = 20
HEAD = (
    "| setting | kills | jobs | calls interrupted | dead letters | steps | executions | per step"
    " | tokens executed | charged |\n" + "| --- " * 10 + "|"
)


class Setting(Struct, frozen=True):
    """One row of the table."""

    name: str
    is_background: bool = True
    knows_keys: bool = True


SETTINGS = (
    Setting("background, keys known"),
    Setting("background, keys ignored", knows_keys=False),
    Setting("Chat Completions", is_background=False),
)


async def count(setting: Setting, kills: int, seed: int) -> Count:
    with tempfile.TemporaryDirectory(prefix="etude-background-") as folder:
        async with running_drill(
            Path(folder), seed=seed, is_background=setting.is_background, knows_keys=setting.knows_keys
        ) as drill:
            return await drill.run(kills, tell=_tell)


def _tell(kills: int) -> None:
    if kills % SHOWN_EVERY == 0:
        print(f"{kills} kills", file=sys.stderr, flush=True)


def describe(setting: Setting, count: Count) -> str:
    return (
        f"| {setting.name} | {count.kills} | {count.jobs} | {count.interrupted} | {count.dead_letters} |"
        f" {len(count.executions)} | {sum(count.executions.values())} | {count.executions_per_step:.2f} |"
        f" {count.executed.total} | {count.charged.total} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.background", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="also the two settings that pay twice")
    options = parser.parse_args()
    print(HEAD, flush=True)
    counts: list[Count] = []
    for setting in SETTINGS[: None if options.all else 1]:
        counts.append(asyncio.run(count(setting, options.kills, options.seed)))
        print(describe(setting, counts[-1]), flush=True)
    first = counts[0]
    return int(first.executions_per_step != 1 or first.executed != first.charged)


if __name__ == "__main__":
    sys.exit(main())
