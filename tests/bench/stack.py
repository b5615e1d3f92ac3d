"""The whole stack, started for a bench in a folder of its own, and what a bench needs to use it."""

import math
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from tests.e2e.running import RunningStack

from etude.cli.token_signing import sign_token
from local.data_dir import DataDir, StackFile
from local.ports import free_ports

TOKEN_LIFE = timedelta(hours=1)


@contextmanager
def running_stack(environ: Mapping[str, str] | None = None) -> Generator[RunningStack]:
    """Ready when it is given; stopped as by Ctrl-C."""
    with (
        tempfile.TemporaryDirectory(prefix="etude-bench-") as name,
        RunningStack(Path(name), free_ports(1)[0], environ) as stack,
    ):
        yield stack
        stack.interrupt()


def find_servers(stack: RunningStack) -> StackFile:
    return msgspec.json.decode((stack.folder / "stack.json").read_bytes(), type=StackFile)


def headers_of(stack: RunningStack, user: str, plan: str) -> dict[str, str]:
    """What makes a request one of this user."""
    key = DataDir(stack.folder).private_key
    token = sign_token(key, user=user, plan=plan, now=datetime.now(UTC), ttl=TOKEN_LIFE)
    return {"Authorization": f"Bearer {token}"}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
