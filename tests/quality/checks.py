"""What the checks do with drafts: those of the planted items that have no flaw must pass."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from tests.quality.planted import PlantedItem

from shared.domain.study.material import CardDraft, QuestionDraft
from shared.domain.study.validation import check_cards, check_questions


class CheckScore(Struct, frozen=True):
    sound: int
    dropped: dict[str, int]
    """Sound drafts that were dropped, by code."""
    flawed: int
    passed: dict[str, int]
    """Drafts with a flaw that passed, by flaw. A single flaw of wording is counted by the checks and kept."""


def drop_reason(item: PlantedItem) -> str:
    """Why the checks drop the item as a draft; empty if they keep it."""
    text, language = item.quote, item.language
    if item.is_card:
        checked = check_cards([CardDraft(item.stem, item.back, item.quote)], text=text, language=language)
        return next(iter(checked.dropped), "")
    draft = QuestionDraft(item.stem, item.options, item.answer, item.explanation, item.quote)
    return next(iter(check_questions([draft], text=text, language=language).dropped), "")


def score_checks(items: Sequence[PlantedItem]) -> CheckScore:
    sound = [item for item in items if not item.flaws]
    flawed = [item for item in items if item.flaws]
    dropped = Counter(reason for item in sound if (reason := drop_reason(item)))
    passed = Counter(item.flaws[0] for item in flawed if not drop_reason(item))
    return CheckScore(len(sound), dict(dropped.most_common()), len(flawed), dict(passed.most_common()))
