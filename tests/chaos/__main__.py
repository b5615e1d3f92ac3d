"""`python -m tests.chaos`: breaks the whole system on purpose, and says which promises broke with it.

Every run is drawn from its seed: `--seed 7` asks the same and breaks the same again.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from tests.chaos.checker.checker import check
from tests.chaos.checker.evidence import Violation
from tests.chaos.faults.drills import list_drills
from tests.chaos.history.history import read_history, write_history
from tests.chaos.report.fault_table import Figures, add_up, measure, write_table
from tests.chaos.report.latency_table import Course, follow, write_courses
from tests.chaos.run import Plan, Watch, run

SHOWN_VIOLATIONS = 5
SHOWN_LINES = 40
SLOWEST, LONGEST = 25.0, 100.0
"""Jobs a second, and seconds: how fast they are asked for where it is not said."""
Measured = tuple[Figures, Course]
MIXED = ("short", "workers", "all")


def main(console: Console) -> int:
    options = _read_options()
    drills = list_drills(is_short=options.short)
    unknown = [name for name in options.faults if name not in drills]
    if unknown:
        console.print(f"no such drill: {', '.join(unknown)}; there are: {', '.join(drills)}")
        return 2
    if options.check:
        return _check_again(options.check, console)
    measured: list[Measured] = []
    with _progress(console) as progress:
        for name in options.faults:
            for seed in range(options.seed, options.seed + options.seeds):
                plan = Plan(seed=seed, jobs=options.jobs, drill=drills[name], per_second=options.rate)
                measured.append(_run_one(plan, progress, options.history))
    return _conclude(measured)


def _run_one(plan: Plan, progress: Progress, kept: Path | None) -> Measured:
    row = progress.add_task(f"{plan.drill.name}, seed {plan.seed}", total=plan.jobs, now="")
    with tempfile.TemporaryDirectory(prefix="etude-chaos-") as folder:
        watch = Watch(tell=lambda watch: _show(progress, row, watch))
        lines = asyncio.run(run(plan, Path(folder), clock=time.time, watch=watch))
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        write_history(kept / f"{plan.drill.name.replace(' ', '-')}-{plan.seed}.jsonl", lines)
    violations = check(lines)
    if violations:
        progress.console.print(explain(plan, violations), highlight=False, markup=False, soft_wrap=True)
    progress.update(row, now=f"{len(violations)} broken" if violations else "all promises kept")
    progress.stop_task(row)
    return measure(lines, violations), follow(lines)


def _check_again(folder: Path, console: Console) -> int:
    """The same rules over histories that were kept."""
    measured: list[Measured] = []
    for path in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        lines = list(read_history(path))
        violations = check(lines)
        for one in violations[:SHOWN_VIOLATIONS]:
            console.print(f"{path.name}: {one.rule}: {one.what}", highlight=False, markup=False)
        measured.append((measure(lines, violations), follow(lines)))
    return _conclude(measured)


def _conclude(measured: list[Measured]) -> int:
    print(write_table(add_up(figures for figures, _ in measured)))  # noqa: T201 - the tables are what it is run for
    print("\n" + write_courses(course for _, course in measured))  # noqa: T201 - so is this one
    return int(any(figures.broken for figures, _ in measured))


def explain(plan: Plan, violations: list[Violation]) -> str:
    """The seed, and the part of the history that shows it."""
    said = [
        f"{plan.drill.name}, seed {plan.seed}, {plan.jobs} jobs: {len(violations)} promises broken; again with"
        f" `python -m tests.chaos --faults '{plan.drill.name}' --seed {plan.seed} --jobs {plan.jobs}`"
    ]
    for one in violations[:SHOWN_VIOLATIONS]:
        said += [f"  {one.rule}: {one.what}", *(f"    {line}" for line in one.evidence[:SHOWN_LINES])]
    return "\n".join(said)


def _show(progress: Progress, row: TaskID, watch: Watch) -> None:
    progress.update(row, completed=watch.asked, now=f"{watch.faults} faults; {watch.now}")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        console=console,
    )


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each drill, each with the next seed")
    parser.add_argument("--jobs", type=int, default=300, help="asked for in each run")
    parser.add_argument(
        "--rate", type=float, help=f"jobs asked for per second; {SLOWEST:g} or all within {LONGEST:g} s"
    )
    parser.add_argument("--faults", default="all", help="drills, separated by commas")
    parser.add_argument("--table", action="store_true", help="each drill alone, then all of them at once")
    parser.add_argument("--short", action="store_true", help="pauses of 10 s instead of 30 s")
    parser.add_argument("--history", type=Path, help="a folder to keep the histories in")
    parser.add_argument("--check", type=Path, help="run nothing: check the histories in this folder again")
    options = parser.parse_args()
    alone = [name for name in list_drills(is_short=True) if name not in MIXED]
    options.rate = options.rate or max(SLOWEST, options.jobs / LONGEST)
    options.faults = [*alone, "all"] if options.table else options.faults.split(",")
    return options


if __name__ == "__main__":
    sys.exit(main(Console(stderr=True)))
