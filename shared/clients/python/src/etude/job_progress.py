"""Following a job from its submission to its end, with a bar and its items as they come."""

from collections.abc import Generator
from contextlib import contextmanager

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text as Line

from etude.api_client import Api
from etude.errors import ExitCode, Failure
from etude.rendering import plain
from etude.sse import ServerEvent


class _Item(Struct, frozen=True):
    """The part of a card or question that tells what it is about."""

    id: str
    front: str = ""
    question: str = ""


class _Told(Struct, frozen=True):
    """What the data of the events say, as far as it is shown."""

    status: str = ""
    done: int = 0
    total: int = 0
    item: _Item | None = None


def follow(console: Console, api: Api, path: str, *, name: str) -> None:
    """Show how the job at `path` comes along, on `console`, until it is final. Ctrl-C leaves the job running."""
    try:
        with _bar(console, name) as bar:
            for event in api.follow(f"{path}/events"):
                bar.tell(event)
    except KeyboardInterrupt:
        job_id = path.rsplit("/", 1)[-1]
        raise Failure(
            ExitCode.INTERRUPTED,
            f"the job goes on: `etude jobs {job_id}` shows it, `etude cancel {job_id}` ends it",
        ) from None


class _Bar:
    def __init__(self, progress: Progress, row: TaskID) -> None:
        self._progress = progress
        self._row = row
        self._shown = set[str]()

    def tell(self, event: ServerEvent) -> None:
        told = msgspec.json.decode(event.data, type=_Told)
        if event.name in ("status", "done"):
            self._progress.update(self._row, status=told.status)
        elif event.name == "progress":
            self._progress.update(self._row, completed=told.done, total=told.total or None)
        elif event.name == "item" and told.item and told.item.id not in self._shown:
            # after a takeover the new attempt tells its items again, under the same ids
            self._shown.add(told.item.id)
            kind, text = ("card", told.item.front) if told.item.front else ("question", told.item.question)
            line = Line(f"{kind:>10}  {plain(text)}", style="dim")
            self._progress.console.print(line, overflow="ellipsis", no_wrap=True)


@contextmanager
def _bar(console: Console, name: str) -> Generator[_Bar]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[status]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(progress, progress.add_task(name, total=None, status="queued"))
