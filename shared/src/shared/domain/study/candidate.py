"""A card or a question in the form that all rules share."""

from collections.abc import Callable
from typing import NamedTuple

from shared.domain.text.language import rules_language


class Candidate(NamedTuple):
    """A card or a question, in the form that the rules share."""

    stem: str
    """The front of a card, or the question."""
    answer: str
    """The back of a card, or the right option."""
    quote: str
    """The sentence of the source that supports the answer, verbatim."""
    language: str
    is_translated: bool
    """Whether the language of the item is not that of the source."""
    distractors: tuple[str, ...] = ()
    """The wrong options; empty for a card."""
    explanation: str = ""

    @property
    def has_word_rules(self) -> bool:
        """Whether our rules know the words of the item's language."""
        return rules_language(self.language) is not None


Rule = Callable[[Candidate], bool]
