"""Checks every drafted card and question by fixed rules, whichever provider drafted it.

A draft that passes becomes an item with an exact `source`; one that fails is dropped and counted under a stable code. The
rules are in `wording_rules` and `option_rules`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Generic, TypeVar

from msgspec import UNSET, Struct
from msgspec.structs import replace

from shared.domain.study.answer_rules import ANSWER_RULES, is_empty
from shared.domain.study.candidate import Candidate, Rule
from shared.domain.study.drops import DUPLICATE, SURPLUS, Drop, count_reasons, drop_others
from shared.domain.study.duplicates import dedupe
from shared.domain.study.material import (
    CardDraft,
    Choice,
    Difficulty,
    Flashcard,
    QuestionDraft,
    QuizQuestion,
    Source,
)
from shared.domain.study.option_order import order_options
from shared.domain.study.option_rules import OPTION_FLAWS, OPTION_RULES, is_well_formed
from shared.domain.study.places import PlaceMarks
from shared.domain.study.wording_rules import WORDING_FLAWS, WORDING_RULES
from shared.domain.text.language_detection import detect_language
from shared.domain.text.language_tag import is_same_language
from shared.domain.text.numbering import NumberedText, without_numbers
from shared.domain.text.quote_matching import (
    MAX_QUOTE_CHARACTERS,
    MIN_QUOTE_CHARACTERS,
    MIN_QUOTE_WORDS,
    QuoteFinder,
)
from shared.domain.text.scripts import width
from shared.domain.text.span import Span
from shared.domain.text.titles import tidy_line
from shared.domain.text.words import word_count

Item = TypeVar("Item")
Checkable = TypeVar("Checkable", CardDraft, QuestionDraft)

MAX_FLAWS = 1
"""Limit of flaws in an item that is kept."""

RULES: tuple[tuple[str, Rule], ...] = (
    ("empty", is_empty),
    *WORDING_RULES,
    *ANSWER_RULES,
    *OPTION_RULES,
)
"""Reason codes with their rules, in the order of their evaluation. The first broken rule gives the reason."""
FLAWS: tuple[tuple[str, Rule], ...] = (*WORDING_FLAWS, *OPTION_FLAWS)
LANGUAGE_BOUND = frozenset(
    {
        *("refers_to_text", "true_or_false", "unclear_subject", "bad_explanation", "contradicts_quote"),
        *("other_clause", "repeats_question", "catch_all_option"),
        *(flaw for flaw, _ in FLAWS),
    }
)
"""Rules and flaws that know French and English words alone. They are off for items in other languages."""
CHECKS_OFF = (
    *("answer_not_in_quote", "bad_explanation", "catch_all_option", "contradicts_quote", "leaks_answer"),
    *("other_clause", "refers_to_text", "repeats_question", "several_flaws", "true_or_false"),
    "unclear_subject",
)
"""Reason codes whose checks are off for items in other languages, or compare less: only the numbers of answer and quote, and
only the whole answer with the question."""
REASONS = (
    *("quote_too_long", "quote_not_found", "quote_too_short", "malformed_options"),
    *(reason for reason, _ in RULES),
    *("several_flaws", DUPLICATE, SURPLUS),
)
"""All codes for a dropped draft. `duplicate` comes from `dedupe`, and `surplus` from `ItemSet`."""

OPTION_IDS = "abcde"


class Checked(Struct, Generic[Item], frozen=True, kw_only=True):
    items: list[Item]
    drops: list[Drop]
    """The other drafts."""
    flagged: dict[str, int]
    """Flaws of the items that were kept, by flaw code."""

    @property
    def dropped(self) -> dict[str, int]:
        """Dropped drafts by reason code."""
        return dict(count_reasons(self.drops))


class _Dropped(Exception):
    """A draft is dropped for `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_cards(
    drafts: Sequence[CardDraft],
    *,
    text: str,
    language: str,
    difficulty: Difficulty = Difficulty.MEDIUM,
    within: Span | None = None,
    places: PlaceMarks | None = None,
) -> Checked[Flashcard]:
    """Check the drafts of cards.

    `language` is the language of fronts and backs: the requested one, or that of the source, in which the offline generator
    writes. `within` is the part from which the drafts were made. Quotes are searched only there, but offsets count from the
    start of `text`; `places` tells in which place of the document they lie.
    """

    def make(draft: CardDraft, source: Source, flagged: Counter[str]) -> Flashcard:
        front, back = tidy_line(draft.front), tidy_line(draft.back)
        _apply_rules(Candidate(front, back, source.quote, language, is_translated), flagged)
        return Flashcard(
            id="c" + _digest(source, front),
            front=front,
            back=back,
            source=source,
            difficulty=difficulty,
            language=language,
        )

    is_translated = _is_translated(text, within, language)
    return _check_all(drafts, text, within, places, make)


def check_questions(
    drafts: Sequence[QuestionDraft],
    *,
    text: str,
    language: str,
    difficulty: Difficulty = Difficulty.MEDIUM,
    within: Span | None = None,
    places: PlaceMarks | None = None,
) -> Checked[QuizQuestion]:
    """Check the drafts of questions, as `check_cards` does. Options are ordered with a seed derived from the question."""

    def make(draft: QuestionDraft, source: Source, flagged: Counter[str]) -> QuizQuestion:
        options = [tidy_line(option) for option in draft.options]
        if not is_well_formed(options, draft.answer):
            raise _Dropped("malformed_options")
        question, explanation = tidy_line(draft.question), tidy_line(draft.explanation)
        distractors = tuple(option for index, option in enumerate(options) if index != draft.answer)
        answer = options[draft.answer]
        _apply_rules(
            Candidate(question, answer, source.quote, language, is_translated, distractors, explanation),
            flagged,
        )
        digest = _digest(source, question)
        return QuizQuestion(
            id="q" + digest,
            question=question,
            options=_choices(options, draft.answer, seed := int(digest[:8], 16)),
            explanation=explanation,
            source=source,
            seed=seed,
            difficulty=difficulty,
            language=language,
        )

    is_translated = _is_translated(text, within, language)
    return _check_all(drafts, text, within, places, make)


ItemT = TypeVar("ItemT", Flashcard, QuizQuestion)
AnyItem = TypeVar("AnyItem", bound=Flashcard | QuizQuestion)


def _check_all(
    drafts: Sequence[Checkable],
    text: str,
    within: Span | None,
    places: PlaceMarks | None,
    make: Callable[[Checkable, Source, Counter[str]], ItemT],
) -> Checked[ItemT]:
    numbered, finder = NumberedText(text, within), QuoteFinder(text, within)
    drops: list[Drop] = []
    flagged: Counter[str] = Counter()
    items: list[ItemT] = []
    for draft in drafts:
        source = None
        try:
            span = numbered.find(draft.numbers or ()) or _find_typed(draft.quote or "", finder)
            source = _to_source(span, finder, text, places)
            items.append(make(draft, source, flagged))
        except _Dropped as drop:
            span = Span(source.start, source.end) if source else within or Span(0, len(text))
            drops.append(Drop(drop.reason, span, has_quote=source is not None))
    unique = dedupe(items)
    drops += drop_others(DUPLICATE, items, unique)
    return Checked(items=unique, drops=drops, flagged=dict(flagged))


def _apply_rules(candidate: Candidate, flagged: Counter[str]) -> None:
    for reason, is_broken in _known_rules(RULES, candidate):
        if is_broken(candidate):
            raise _Dropped(reason)
    flaws = [flaw for flaw, has_flaw in _known_rules(FLAWS, candidate) if has_flaw(candidate)]
    if len(flaws) > MAX_FLAWS:
        raise _Dropped("several_flaws")
    flagged.update(flaws)


def _known_rules(rules: Sequence[tuple[str, Rule]], candidate: Candidate) -> Iterator[tuple[str, Rule]]:
    """The rules that know the language of the candidate."""
    for name, rule in rules:
        if candidate.has_word_rules or name not in LANGUAGE_BOUND:
            yield name, rule


def _find_typed(quote: str, finder: QuoteFinder) -> Span:
    if len(quote) > MAX_QUOTE_CHARACTERS:
        raise _Dropped("quote_too_long")
    span = finder.find(quote) or finder.find(without_numbers(quote))
    if span is None:
        raise _Dropped("quote_not_found")
    return span


def _to_source(span: Span, finder: QuoteFinder, text: str, places: PlaceMarks | None) -> Source:
    """The quote with the characters of the source, and its place in the document."""
    found = span.of(text)
    if len(found) > MAX_QUOTE_CHARACTERS:
        raise _Dropped("quote_too_long")
    is_short = width(found) < MIN_QUOTE_CHARACTERS and not finder.has_row(span)
    if is_short or word_count(found) < MIN_QUOTE_WORDS:
        raise _Dropped("quote_too_short")
    place = places.at(span.start) if places else None
    return Source(found, span.start, span.end, place or UNSET)


def _is_translated(text: str, within: Span | None, language: str) -> bool:
    return not is_same_language(detect_language(within.of(text) if within else text), language)


def moved(item: AnyItem, by: int) -> AnyItem:
    """The same item of a longer text, which has `by` more code points before it. Its id is the one that it would have been given."""
    source = replace(item.source, start=item.source.start + by, end=item.source.end + by)
    if isinstance(item, Flashcard):
        return replace(item, source=source, id="c" + _digest(source, item.front))
    return replace(item, source=source, id="q" + _digest(source, item.question))


def _digest(source: Source, front: str) -> str:
    """An id that depends on the source and the front alone, so that the same item has the same id in every attempt."""
    return blake2b(f"{source.start}:{source.end}:{front}".encode(errors="replace"), digest_size=6).hexdigest()


def _choices(options: Sequence[str], answer: int, seed: int) -> list[Choice]:
    return [
        Choice(id=letter, text=options[index], correct=index == answer)
        for letter, index in zip(OPTION_IDS, order_options(options, seed), strict=False)
    ]
