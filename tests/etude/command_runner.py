"""Running the command in this process, and reading what it wrote."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path

from msgspec import Struct
from rich.console import Console

from etude.__main__ import run
from etude.cli.context import Terminal

_keys = itertools.count(1)


class Ran(Struct, frozen=True):
    code: int
    out: str
    err: str
    written: bytes = b""
    """What was written to stdout as bytes."""


async def etude(
    *arguments: str,
    url: str = "",
    token: str = "a-token",
    data_dir: Path = Path("nowhere"),
    stdin: str = "",
    sleep: Callable[[float], None] = lambda seconds: None,
    language: str = "en",
) -> Ran:
    """One command, as the shell would run it. In a thread: it blocks, and the server it talks to may be ours."""
    out, err, written = StringIO(), StringIO(), BytesIO()
    terminal = Terminal(
        out=Console(file=out, width=120, markup=False, highlight=False, emoji=False),
        err=Console(file=err, width=120, markup=False, highlight=False, emoji=False),
        stdin=BytesIO(stdin.encode()),
        stdout=written,
        language=language,
        now=lambda: datetime.now(UTC),
        new_key=lambda: f"key-{next(_keys)}",
        sleep=sleep,
    )
    target = ["--url", url, "--token", token, "--data-dir", str(data_dir)]
    code = await asyncio.to_thread(run, [*target, *arguments], terminal)
    return Ran(code, out.getvalue(), err.getvalue(), written.getvalue())
