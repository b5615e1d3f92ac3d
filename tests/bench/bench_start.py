"""How long `python -m local` takes: from nothing, with data, and to stop."""

# ruff: noqa: T201 - a bench prints what it measured

import tempfile
from pathlib import Path
from time import monotonic

from tests.e2e.running import RunningStack

from local.ports import free_ports


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="etude-bench-") as name:
        for start in ("first start, from nothing", "second start, with data"):
            started = monotonic()
            with RunningStack(Path(name), free_ports(1)[0]) as stack:
                print(f"{start}: ready after {monotonic() - started:.2f} s")
                stopped = monotonic()
                stack.interrupt()
                print(f"Ctrl-C: everything gone after {monotonic() - stopped:.2f} s")


if __name__ == "__main__":
    main()
