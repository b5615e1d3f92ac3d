"""A progress bar that follows a job, with its items as they are made."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text as Line

from etude.cli.failure import ExitCode, Failure
from etude.cli.rendering import plain
from etude.events import Changed, Event, Finished, ItemMade, Progressed, Removed, StatusChanged
from etude.study_material import Flashcard, QuizQuestion


def follow(console: Console, events: Iterator[Event], *, job_id: str, name: str) -> None:
    """Show the events of a job on `console` until it is final. Ctrl-C leaves the job running."""
    try:
        with _bar(console, name) as bar:
            for event in events:
                bar.show(event)
    except KeyboardInterrupt:
        raise Failure(
            ExitCode.INTERRUPTED,
            f"the job goes on: `etude jobs {job_id}` shows it, `etude cancel {job_id}` ends it",
        ) from None


class _Bar:
    def __init__(self, progress: Progress, row: TaskID) -> None:
        self._progress = progress
        self._row = row
        self._shown = set[str]()

    def show(self, event: Event) -> None:
        match event.data:
            case StatusChanged(status=status) | Finished(status=status):
                self._progress.update(self._row, status=status)
            case Progressed(done=done, total=total):
                self._progress.update(self._row, completed=done, total=total or None)
            case ItemMade(item=item):
                self._show_item(item)
            case Removed():
                self._progress.update(self._row, status="removed")
            case Changed():
                pass  # by its user, once it is made

    def _show_item(self, item: Flashcard | QuizQuestion) -> None:
        """A new attempt sends the items of an earlier one again, under the same ids: each is shown once."""
        if item.id in self._shown:
            return
        self._shown.add(item.id)
        kind, text = ("card", item.front) if isinstance(item, Flashcard) else ("question", item.question)
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
