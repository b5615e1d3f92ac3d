"""A card or a question as a learner sees it: what the linter looks at."""

from collections.abc import Callable
from functools import cached_property

from msgspec import Struct, field

from shared.domain.study.candidate import Candidate
from shared.domain.study.material import Flashcard, QuizQuestion


class LintedItem(Struct, frozen=True, kw_only=True, dict=True):
    language: str
    kind: str
    """`card` or `question`."""
    stem: str
    options: list[str] = field(default_factory=list[str])
    """In the order in which they are shown; empty for a card."""
    answer: int = 0
    back: str = ""
    explanation: str = ""
    quote: str = ""

    @property
    def is_card(self) -> bool:
        return self.kind == "card"

    @property
    def is_french(self) -> bool:
        return self.language.startswith("fr")

    @property
    def right(self) -> str:
        return self.back if self.is_card else self.options[self.answer]

    @property
    def distractors(self) -> list[str]:
        return [option for index, option in enumerate(self.options) if index != self.answer]

    @cached_property
    def candidate(self) -> Candidate:
        return Candidate(
            self.stem,
            self.right,
            self.quote,
            self.language,
            False,
            tuple(self.distractors),
            self.explanation,
        )


Flaw = Callable[[LintedItem], bool]
"""Whether an item has the flaw."""


def of_card(card: Flashcard) -> LintedItem:
    return LintedItem(
        language=card.language, kind="card", stem=card.front, back=card.back, quote=card.source.quote
    )


def of_question(question: QuizQuestion) -> LintedItem:
    return LintedItem(
        language=question.language,
        kind="question",
        stem=question.question,
        options=[option.text for option in question.options],
        answer=next(index for index, option in enumerate(question.options) if option.correct),
        explanation=question.explanation,
        quote=question.source.quote,
    )
