"""What only a set of questions shows: where the keys stand, whether length gives them away, and what a guesser scores who has
never seen the text."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import comb

from msgspec import Struct
from tests.quality.flaws.options import has_absolute_terms
from tests.quality.item import LintedItem

from shared.domain.text.words import content_words

MAX_CHANCE = 0.001
"""A pattern of keys that chance makes more rarely than this is a defect of the set."""
LETTERS = "ABCDE"


class SetReport(Struct, frozen=True):
    questions: int
    expected: float
    """Keys that chance finds: the sum of one over the number of options."""
    longest: int
    """Questions whose right option is the longest."""
    positions: dict[str, int]
    guessed: int
    """Keys that the blind guesser found."""

    @property
    def defects(self) -> list[str]:
        found: list[str] = []
        if self._is_beyond_chance(self.longest):
            found.append("the longest option is right")
        letter, count = max(self.positions.items(), key=lambda each: each[1], default=("", 0))
        if self._is_beyond_chance(count):
            found.append(f"the key is {letter}")
        if self._is_beyond_chance(self.guessed):
            found.append("keys can be guessed without the text")
        return found

    def _is_beyond_chance(self, hits: int) -> bool:
        """The binomial test: how rarely would chance give so many hits?"""
        if not self.questions:
            return False
        share = self.expected / self.questions
        tail = sum(
            comb(self.questions, count) * share**count * (1 - share) ** (self.questions - count)
            for count in range(hits, self.questions + 1)
        )
        return tail < MAX_CHANCE


def report_on(items: Sequence[LintedItem]) -> SetReport:
    questions = [item for item in items if not item.is_card]
    return SetReport(
        questions=len(questions),
        expected=sum(1 / len(item.options) for item in questions),
        longest=sum(len(item.right) > max(map(len, item.distractors)) for item in questions),
        positions=dict(sorted(Counter(LETTERS[item.answer] for item in questions).items())),
        guessed=sum(guess(item) == item.answer for item in questions),
    )


def guess(item: LintedItem) -> int:
    """The option that a learner would take who knows the usual cues and not the subject."""
    return max(range(len(item.options)), key=lambda index: tuple(cue(item, index) for cue in CUES))


def _repeats_stem(item: LintedItem, index: int) -> float:
    return float(len(set(content_words(item.stem)) & set(content_words(item.options[index]))))


def _shares_parts(item: LintedItem, index: int) -> float:
    parts = [set(content_words(option)) for option in item.options]
    return float(sum(len(parts[index] & other) for position, other in enumerate(parts) if position != index))


def _is_long(item: LintedItem, index: int) -> float:
    return float(len(item.options[index]))


def _is_moderate(item: LintedItem, index: int) -> float:
    alone = LintedItem(language=item.language, kind="question", stem=item.stem, options=[item.options[index]])
    return 0.0 if has_absolute_terms(alone) else 1.0


CUES: tuple[Callable[[LintedItem, int], float], ...] = (_is_moderate, _repeats_stem, _shares_parts, _is_long)
