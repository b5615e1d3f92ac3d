"""Runs the benches and prints what each measured: `python -m tests.bench [name …]`.

A bench is a module `bench_<name>.py` here with a `main()` that prints its lines. Each runs in a process of its own, one
after the other, so that none measures another's memory or load.
"""

# ruff: noqa: T201 - a bench prints what it measured

import subprocess
import sys
from pathlib import Path
from time import monotonic

FOLDER = Path(__file__).parent
PREFIX = "bench_"


def main(wanted: list[str]) -> int:
    there = sorted(path.stem.removeprefix(PREFIX) for path in FOLDER.glob(f"{PREFIX}*.py"))
    unknown = [name for name in wanted if name not in there]
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(there)}", file=sys.stderr)
        return 2
    failed = [name for name in there if (not wanted or name in wanted) and not _run(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str) -> bool:
    started = monotonic()
    bench = subprocess.run(
        [sys.executable, "-c", f"from tests.bench.{PREFIX}{name} import main; main()"],
        cwd=FOLDER.parent.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    for line in bench.stdout.splitlines():
        print(f"{name:<16} {line}")
    print(f"{name:<16} took {monotonic() - started:.1f} s", flush=True)
    return bench.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
