"""Renders study material and jobs for a terminal."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Line

from etude.api_models import Collection, Job, TokenUsage, Usage
from etude.study_material import (
    AddedItems,
    Explanation,
    Flashcard,
    Flashcards,
    Outline,
    Quality,
    Quiz,
    QuizQuestion,
    Result,
    Source,
    Summary,
    Text,
)

STATUS_STYLES = {"succeeded": "green", "ready": "green", "failed": "red", "cancelled": "yellow"}
ID_CHARACTERS = 36
"""Length of a UUID."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Text of a learner or a model, without the characters that could control a terminal."""
    return _CONTROL.sub("", text)


def one_line(text: str) -> str:
    return plain(" ".join(text.split()))


def indented(text: str, *, style: str = "", by: int = 5) -> Padding:
    """A paragraph with every line indented by `by` columns."""
    return Padding(Line(text, style=style), (0, 0, 0, by), expand=False)


def show_result(console: Console, result: Result, *, generated_by: str | None) -> None:
    """Print the result of a job of any kind."""
    match result:
        case Flashcards() as cards:
            show_flashcards(console, cards.flashcards)
            show_quality(console, cards.quality)
        case Quiz() as quiz:
            show_quiz(console, quiz.quiz)
            show_quality(console, quiz.quality)
        case Summary(summary=summary, key_points=points):
            _paragraph(console, summary)
            _points(console, points)
        case Explanation(explanation=explanation, terms=terms):
            _paragraph(console, explanation)
            _points(console, [f"{term.term}: {term.meaning}" for term in terms])
        case Outline(title=title, sections=sections):
            _heading(console, title)
            for section in sections:
                _heading(console, section.heading, style="bold")
                _points(console, section.points)
        case Text(text=text):
            _paragraph(console, text)
        case AddedItems(collection_id=collection_id, item_ids=item_ids):
            _paragraph(console, f"{len(item_ids)} items added to collection {collection_id}")
    show_generator(console, generated_by)


def show_collection(console: Console, collection: Collection) -> None:
    _heading(console, collection.title)
    show_flashcards(console, collection.flashcards)
    show_quiz(console, collection.quiz)
    show_quality(console, collection.quality or Quality())
    show_generator(console, collection.generated_by)


def show_flashcards(console: Console, cards: Sequence[Flashcard]) -> None:
    for number, card in enumerate(cards, 1):
        console.print(Line.assemble((f"{number:3}. ", "dim"), (plain(card.front), "bold"), marks(card)))
        console.print(indented(plain(card.back)))
        if card.source.quote:
            console.print(indented(quotation(card.source), style="dim italic"))
        console.print()


def marks(item: Flashcard | QuizQuestion) -> tuple[str, str]:
    """What its user did to an item, and the style to print it in."""
    said = [item.origin or "", "hidden" if item.hidden else "", "flagged" if item.flagged else ""]
    shown = ", ".join(filter(None, said))
    return (f" ({shown})" if shown else "", "dim")


def quotation(source: Source) -> str:
    """The quote, and where in the document it stands."""
    place = f" ({one_line(str(source.place))})" if source.place else ""
    return f"« {one_line(source.quote)} »{place}"


def show_quiz(console: Console, questions: Sequence[QuizQuestion]) -> None:
    """Print each question with its options; the correct one is marked."""
    for number, question in enumerate(questions, 1):
        console.print(
            Line.assemble((f"Q{number}. ", "dim"), (plain(question.question), "bold"), marks(question))
        )
        for option in question.options:
            mark, style = ("✓", "green") if option.correct else (" ", "")
            console.print(Line(f"   {mark} {option.id}) {plain(option.text)}", style=style))
        if question.explanation:
            console.print(indented(plain(question.explanation), style="dim"))
        if question.source.place:
            console.print(indented(one_line(str(question.source.place)), style="dim italic"))
        console.print()


def show_quality(console: Console, quality: Quality) -> None:
    """Print how many of the requested items were delivered, and why the others were dropped."""
    delivered = ", ".join(
        f"{count} of {quality.requested.get(kind, count)} {kind}" for kind, count in quality.delivered.items()
    )
    parts = [delivered, f"{quality.coverage:.0%} of the sections quoted"]
    if quality.dropped:
        reasons = ", ".join(
            f"{count} {reason.replace('_', ' ')}" for reason, count in quality.dropped.items()
        )
        parts.append(f"dropped by the checks: {reasons}")
    if quality.sections_failed:
        parts.append(f"{quality.sections_failed} sections failed")
    if quality.checks_off:
        parts.append("checked less than French or English would be")
    if quality.unread_pages:
        parts.append(f"pages that could not be read: {_ranges(quality.unread_pages)}")
    if left_out := [entry.number for entry in quality.map if entry.kind == "page" and entry.left_out]:
        parts.append(f"pages without an item: {_ranges(left_out)}")
    console.print(Line("; ".join(part for part in parts if part), style="dim"))


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers, such as `1–3, 7`."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ", ".join("–".join(map(str, one)) for one in ranges)


def show_generator(console: Console, generated_by: str | None) -> None:
    if generated_by == "offline":
        console.print(Line("Made by the offline generator, without a language model.", style="dim"))


def list_table(*titles: str) -> Table:
    """A table of jobs that never shortens their ids: they are there to be copied."""
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=ID_CHARACTERS)
    for title in titles:
        table.add_column(title)
    return table


def show_jobs(console: Console, rows: Iterable[Job]) -> None:
    table = list_table("kind", "status", "created")
    table.add_column("tokens", justify="right")
    for job in rows:
        created = f"{job.created_at.astimezone():%m-%d %H:%M}" if job.created_at else ""
        table.add_row(job.id, job.kind, _status(job.status), created, f"{job.usage.spent:,}")
    console.print(table)


def show_job(console: Console, job: Job) -> None:
    """Print one job: its status and times, then its error or its result."""
    console.print(Line.assemble((f"{job.kind} ", "bold"), job.id, " ", _status(job.status)))
    times = (("created", job.created_at), ("started", job.started_at), ("finished", job.finished_at))
    facts = [f"{name} {_time(moment)}" for name, moment in times if moment]
    if job.progress.total:
        facts.append(f"{job.progress.done} of {job.progress.total} parts done")
    facts.append(f"attempts {job.attempts}, tokens {spent_tokens(job.usage)}")
    console.print(Line("; ".join(facts), style="dim"))
    if job.error:
        console.print(Line(plain(str(job.error)), style="red"))
    if job.result:
        console.print()
        show_result(console, job.result, generated_by=job.generated_by)


def spent_tokens(usage: TokenUsage) -> str:
    """The tokens, and what is known of them: `1200 (800 cached, 90 reasoning)`."""
    parts = {
        "cached": usage.cached_tokens,
        "reasoning": usage.reasoning_tokens,
        "calls reused": usage.reused,
    }
    known = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
    return f"{usage.spent} ({known})" if known else str(usage.spent)


def show_usage(console: Console, usage: Usage) -> None:
    table = Table(box=None, pad_edge=False, title=f"plan {usage.plan}", title_justify="left")
    for title in ("tokens per", "limit", "used", "held", "left", "resets"):
        table.add_column(
            title, justify="left" if title in ("tokens per", "resets") else "right", no_wrap=True
        )
    for window in usage.windows:
        counts = (window.limit, window.used, window.held, window.left)
        table.add_row(window.name, *(f"{count:,}" for count in counts), _time(window.resets_at))
    console.print(table)


def _status(status: str) -> Line:
    return Line(status, style=STATUS_STYLES.get(status, "cyan"))


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def _heading(console: Console, text: str, *, style: str = "bold underline") -> None:
    if text:
        console.print(Line(plain(text), style=style))
        console.print()


def _paragraph(console: Console, text: str) -> None:
    console.print(Line(plain(text)))
    console.print()


def _points(console: Console, points: Iterable[str]) -> None:
    for point in points:
        console.print(indented(f"• {plain(point)}", by=2))
    console.print()
