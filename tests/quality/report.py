"""The tables of the bench of items, as Markdown."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.quality.checks import CheckScore
from tests.quality.item import LintedItem
from tests.quality.item_sets import SetReport, report_on
from tests.quality.linter import flaws_of
from tests.quality.planted import Score
from tests.quality.produce import Produced

PER_WORDS = 500


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def yields(produced: Sequence[Produced]) -> str:
    """What each language gave per words of text, and how much of it is without a flaw."""
    rows = [
        _yield(language, kind, [one for one in produced if one.language == language])
        for language in sorted({one.language for one in produced})
        for kind in ("card", "question")
    ]
    head = (
        "Language",
        "Kind",
        "Texts",
        "Items",
        "Without a flaw",
        f"Items per {PER_WORDS} words",
        "Sections with an item",
    )
    return table(head, rows)


def _yield(language: str, kind: str, produced: Sequence[Produced]) -> list[object]:
    items = [item for one in produced for item in one.items if item.kind == kind]
    clean = sum(not flaws_of(item) for item in items)
    words = sum(one.words for one in produced)
    covered = sum(one.coverage for one in produced) / len(produced)
    share = f"{clean} ({clean / len(items):.0%})" if items else "–"
    return [
        language,
        kind,
        len(produced),
        len(items),
        share,
        f"{PER_WORDS * len(items) / words:.1f}",
        f"{covered:.0%}",
    ]


def flaw_counts(items: Sequence[LintedItem]) -> str:
    counted = Counter((item.kind, flaw) for item in items for flaw in flaws_of(item))
    rows = [(kind, f"`{flaw}`", count) for (kind, flaw), count in counted.most_common()]
    return table(("Kind", "Flaw", "Items"), rows) if rows else "No item has a flaw that the linter sees."


def drops(produced: Sequence[Produced]) -> str:
    counted: Counter[str] = Counter()
    for one in produced:
        counted.update(one.dropped)
    if not counted:
        return "The checks dropped no draft."
    return table(
        ("Dropped by the checks", "Drafts"), [(f"`{code}`", count) for code, count in counted.most_common()]
    )


def keys(items: Sequence[LintedItem]) -> str:
    """What the set gives away: positions of keys, lengths, and the blind guesser against chance."""
    report = report_on(items)
    positions = ", ".join(f"{letter} {count}" for letter, count in report.positions.items())
    rows = [
        ("Questions", report.questions, ""),
        ("Positions of the key", positions, ""),
        ("The longest option is right", report.longest, _chance(report)),
        ("The blind guesser is right", report.guessed, _chance(report)),
    ]
    defects = "; ".join(report.defects) or "none"
    return f"{table(('', 'Found', 'By chance'), rows)}\n\nDefects of the set: {defects}."


def _chance(report: SetReport) -> str:
    return f"{report.expected:.1f}"


def linter_scores(scores: Sequence[Score]) -> str:
    rows = [
        (score.kind, f"`{score.rule}`", score.planted, f"{score.recall:.2f}", f"{score.precision:.2f}")
        for score in scores
        if score.planted
    ]
    return table(("Kind", "Rule", "Planted", "Recall", "Precision"), rows)


def check_scores(score: CheckScore) -> str:
    dropped, passed = sum(score.dropped.values()), sum(score.passed.values())
    reasons = ", ".join(f"`{code}` {count}" for code, count in score.dropped.items())
    flaws = ", ".join(f"`{flaw}` {count}" for flaw, count in score.passed.items())
    rows = [
        ("sound", score.sound, f"{dropped} dropped ({dropped / score.sound:.1%})", reasons),
        ("with a flaw", score.flawed, f"{passed} kept ({passed / score.flawed:.0%})", flaws),
    ]
    return table(("Drafts", "Number", "Wrongly judged", "By"), rows)
