"""The alert drill as a command: `python -m tests.watch`. Ends with 1 when an alert was not heard, or another one was."""

# ruff: noqa: T201 - the table is what it is run for

import tempfile
from pathlib import Path

from tests.watch.accelerated_rules import FACTOR
from tests.watch.drill import drill


def main() -> None:
    is_well = True
    print(f"every wait is {FACTOR} times as short as in production")
    print(f"{'alert':<22}{'heard after':>12}{'silent after':>14}  others")
    with tempfile.TemporaryDirectory() as folder:
        for heard in drill(Path(folder)):
            is_well &= heard.has_passed
            others = ", ".join(sorted(heard.others)) or "none"
            print(
                f"{heard.alert:<22}{heard.seconds_to_fire:>10.0f} s{heard.seconds_to_resolve:>12.0f} s  {others}",
                flush=True,
            )
    raise SystemExit(0 if is_well else 1)


if __name__ == "__main__":
    main()
