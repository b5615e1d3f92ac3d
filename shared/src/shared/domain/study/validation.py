"""The checks every card and question passes before a learner sees it, whoever drafted it: code, not a model.

What passes becomes an item whose `source` is exact; what fails is dropped and counted under a stable code. The rules are
in `checks_wording` and `checks_options`; picking among what passed is in `selection`.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Generic, TypeVar

from msgspec import Struct

from shared.domain.study.material import (
    CardDraft,
    Choice,
    Difficulty,
    Flashcard,
    QuestionDraft,
    QuizQuestion,
    Source,
)
from shared.domain.study.option_rules import OPTION_FLAWS, OPTION_RULES, is_well_formed
from shared.domain.study.selection import dedupe
from shared.domain.study.wording_rules import WORDING_FLAWS, WORDING_RULES, Candidate
from shared.domain.text.language import Language
from shared.domain.text.language_detection import detect_language
from shared.domain.text.quote_matching import (
    MAX_QUOTE_CHARACTERS,
    MIN_QUOTE_CHARACTERS,
    MIN_QUOTE_WORDS,
    QuoteFinder,
)
from shared.domain.text.segmentation import Span
from shared.domain.text.words import words

Item = TypeVar("Item")
Checkable = TypeVar("Checkable", CardDraft, QuestionDraft)
Rule = Callable[[Candidate], bool]

MAX_FLAWS = 1
"""One small flaw is acceptable in an item, two are not."""

RULES: tuple[tuple[str, Rule], ...] = (*WORDING_RULES, *OPTION_RULES)
"""Reason code and rule, in the order they are asked: the first at fault names the reason."""
FLAWS: tuple[tuple[str, Rule], ...] = (*WORDING_FLAWS, *OPTION_FLAWS)
REASONS = (
    *("quote_too_long", "quote_not_found", "quote_too_short", "malformed_options"),
    *(reason for reason, _ in RULES),
    *("several_flaws", "duplicate", "surplus"),
)
"""Every code under which a draft is dropped; the last two by `selection` and `gathering`."""

OPTION_IDS = "abcde"

_BLANKS = re.compile(r"[^\S\u00a0\u202f]+")


class Checked(Struct, Generic[Item], frozen=True, kw_only=True):
    items: list[Item]
    dropped: dict[str, int]
    """Reason code to count; the counts and the items add up to the drafts."""
    flagged: dict[str, int]
    """Small flaws of the items that were kept."""


class _Dropped(Exception):
    """One draft's reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_cards(
    drafts: Sequence[CardDraft],
    *,
    text: str,
    language: Language,
    difficulty: Difficulty = Difficulty.MEDIUM,
    within: Span | None = None,
) -> Checked[Flashcard]:
    """Keep what is worth learning from.

    `language` is the one fronts and backs must be in: the one asked for, or the source's own (what the offline
    generator writes). `within` is the chunk the drafts were made from: quotes are looked for there only, and
    offsets still count from the start of `text`.
    """

    def make(draft: CardDraft, source: Source, flagged: Counter[str]) -> Flashcard:
        front, back = _tidy(draft.front), _tidy(draft.back)
        _judge(Candidate(front, back, source.quote, language, is_translated), flagged)
        return Flashcard(
            id="c" + _digest(source, front),
            front=front,
            back=back,
            source=source,
            difficulty=difficulty,
            language=language,
        )

    is_translated = _is_translated(text, within, language)
    return _check_all(drafts, QuoteFinder(text, within), text, make)


def check_questions(
    drafts: Sequence[QuestionDraft],
    *,
    text: str,
    language: Language,
    difficulty: Difficulty = Difficulty.MEDIUM,
    within: Span | None = None,
) -> Checked[QuizQuestion]:
    """As `check_cards`, for questions. Options are shuffled with a seed made from the question, and stored with it."""

    def make(draft: QuestionDraft, source: Source, flagged: Counter[str]) -> QuizQuestion:
        options = [_tidy(option) for option in draft.options]
        if not is_well_formed(options, draft.answer):
            raise _Dropped("malformed_options")
        question, explanation = _tidy(draft.question), _tidy(draft.explanation)
        distractors = tuple(option for index, option in enumerate(options) if index != draft.answer)
        key = options[draft.answer]
        _judge(
            Candidate(question, key, source.quote, language, is_translated, distractors, explanation), flagged
        )
        digest = _digest(source, question)
        return QuizQuestion(
            id="q" + digest,
            question=question,
            options=_shuffled(options, draft.answer, seed := int(digest[:8], 16)),
            explanation=explanation,
            source=source,
            seed=seed,
            difficulty=difficulty,
            language=language,
        )

    is_translated = _is_translated(text, within, language)
    return _check_all(drafts, QuoteFinder(text, within), text, make)


ItemT = TypeVar("ItemT", Flashcard, QuizQuestion)


def _check_all(
    drafts: Sequence[Checkable],
    finder: QuoteFinder,
    text: str,
    make: Callable[[Checkable, Source, Counter[str]], ItemT],
) -> Checked[ItemT]:
    dropped: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    items: list[ItemT] = []
    for draft in drafts:
        try:
            items.append(make(draft, _locate(draft.quote, finder, text), flagged))
        except _Dropped as drop:
            dropped[drop.reason] += 1
    unique = dedupe(items)
    if len(unique) < len(items):
        dropped["duplicate"] += len(items) - len(unique)
    return Checked(items=unique, dropped=dict(dropped), flagged=dict(flagged))


def _judge(candidate: Candidate, flagged: Counter[str]) -> None:
    for reason, is_at_fault in RULES:
        if is_at_fault(candidate):
            raise _Dropped(reason)
    flaws = [flaw for flaw, is_at_fault in FLAWS if is_at_fault(candidate)]
    if len(flaws) > MAX_FLAWS:
        raise _Dropped("several_flaws")
    flagged.update(flaws)


def _locate(quote: str, finder: QuoteFinder, text: str) -> Source:
    """The quote as the source has it, whatever the draft made of it."""
    if len(quote) > MAX_QUOTE_CHARACTERS:
        raise _Dropped("quote_too_long")
    if (span := finder.find(quote)) is None:
        raise _Dropped("quote_not_found")
    found = span.of(text)
    if len(found) < MIN_QUOTE_CHARACTERS or len(words(found)) < MIN_QUOTE_WORDS:
        raise _Dropped("quote_too_short")
    return Source(found, span.start, span.end)


def _is_translated(text: str, within: Span | None, language: Language) -> bool:
    return detect_language(within.of(text) if within else text) is not language


def _tidy(field: str) -> str:
    """One line, without control or invisible characters; the narrow spaces of French typography stay."""
    kept = "".join(char for char in field if char.isprintable() or char.isspace())
    return _BLANKS.sub(" ", kept).strip()


def _digest(source: Source, front: str) -> str:
    """The same item made again has the same id."""
    return blake2b(f"{source.start}:{source.end}:{front}".encode(errors="replace"), digest_size=6).hexdigest()


def _shuffled(options: Sequence[str], answer: int, seed: int) -> list[Choice]:
    order = list(range(len(options)))
    random.Random(seed).shuffle(order)
    return [
        Choice(id=letter, text=options[index], correct=index == answer)
        for letter, index in zip(OPTION_IDS, order, strict=False)
    ]
