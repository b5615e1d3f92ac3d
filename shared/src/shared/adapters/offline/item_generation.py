"""Makes cards and questions from facts, those worth most first, and spreads them over the sentences of the source.

Few good items are better than many: a fact that does not read well alone makes none, and a question needs three wrong options
of one kind with the right one, from the source itself.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.adapters.offline import english, french
from shared.adapters.offline.acronyms import read_acronyms
from shared.adapters.offline.answer_pool import MOST_RARE, AnswerPool, short_name
from shared.adapters.offline.cloze import read_gaps
from shared.adapters.offline.distractors import WANTED, distractors, without_article
from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.facts import AnswerType, Fact, capitalise, decapitalise
from shared.adapters.offline.glossary import read_rows
from shared.domain.study.material import CardDraft, Difficulty, QuestionDraft
from shared.domain.study.sentence_rules import (
    ends_open,
    is_clean,
    is_entry,
    is_whole,
    leans_on_context,
    speaks_of_page_or_reader,
)
from shared.domain.study.validation import check_cards, check_questions
from shared.domain.text.language import Language
from shared.domain.text.words import content_words

GRAMMAR = {Language.FR: french, Language.EN: english}
_REPEATED_LINE, _REPEATED_TYPE = 0.5, 0.04
"""Worth that a fact loses for each chosen fact of the same sentence, and of the same answer type."""
_SALIENCE = 0.3
_MATCHES = {
    Language.FR: "Quel terme correspond à cette définition : « {} » ?",
    Language.EN: "Which term matches this definition: “{}”?",
}
_LEVEL = {
    (Difficulty.EASY, AnswerType.TERM): 0.1,
    (Difficulty.EASY, AnswerType.NAME): 0.1,
    (Difficulty.HARD, AnswerType.NUMBER): 0.2,
    (Difficulty.HARD, AnswerType.DATE): 0.1,
    (Difficulty.HARD, AnswerType.YEAR): 0.1,
}
"""Worth that an answer type gains at a difficulty."""
_QUIZ_WORTH = {
    AnswerType.TERM: 0.95,
    AnswerType.CELL: 0.9,
    AnswerType.NAME: 0.85,
    AnswerType.YEAR: 0.7,
    AnswerType.DATE: 0.7,
}
"""Answer types of questions, with what a question of each is worth. A definition is reversed, so that its term is the answer."""
_MAX_TERM_WORDS = 5
_MAX_DEFINITION_WORDS = 24


def read_all_facts(view: SourceView) -> list[Fact]:
    """All facts that the rules find in the source, in its order."""
    found = list(read_rows(view))
    listed = {fact.line.span.start for fact in found}
    for line in view.lines:
        if line.span.start not in listed:
            found += [fact for fact in _read_line(line, view) if _reads_well(fact, view)]
    return sorted(found, key=lambda fact: fact.line.span)


def _read_line(line: Line, view: SourceView) -> Iterator[Fact]:
    yield from read_acronyms(line, view)
    if speaks_of_page_or_reader(line.text, view.language):
        return
    is_sentence = is_whole(line.text) or (line.span.start in view.entries and is_entry(line.text))
    for fact in GRAMMAR[view.language].read_facts(line, view):
        if is_sentence or fact.topic:
            yield fact
    if is_sentence and not leans_on_context(line.text, view.language):
        yield from read_gaps(line, view)


def _reads_well(fact: Fact, view: SourceView) -> bool:
    """Whether the card is not broken off, and a short answer does not stand in the question."""
    asked, told = set(content_words(fact.front)), set(content_words(fact.back))
    is_short = fact.answer_type is not AnswerType.CLAUSE
    return (
        is_clean(fact.front)
        and is_clean(fact.back)
        and not ends_open(fact.back)
        and not speaks_of_page_or_reader(fact.back, view.language)
        and not (
            is_short and told and (told <= asked or (told & asked and fact.answer_type is AnswerType.NAME))
        )
    )


def make_cards(
    facts: Sequence[Fact], view: SourceView, count: int, difficulty: Difficulty
) -> list[CardDraft]:
    """At most `count` drafts that pass the checks, the best first."""
    made: list[CardDraft] = []
    for fact in _by_worth(facts, view, difficulty):
        draft = CardDraft(view.typeset(fact.front), view.typeset(fact.back), fact.line.quote)
        if check_cards([draft], text=view.text, language=view.language, within=fact.line.span).items:
            made.append(draft)
        if len(made) >= count:
            break
    return made


def make_questions(
    facts: Sequence[Fact], view: SourceView, count: int, difficulty: Difficulty
) -> list[QuestionDraft]:
    """At most `count` drafts that pass the checks, the best first."""
    pool = AnswerPool(facts, view)
    made: list[QuestionDraft] = []
    for fact in _by_worth(list(_for_quiz(facts, view)), view, difficulty):
        draft = _question(fact, pool, view)
        if (
            draft
            and check_questions([draft], text=view.text, language=view.language, within=fact.line.span).items
        ):
            made.append(draft)
        if len(made) >= count:
            break
    return made


def _by_worth(facts: Sequence[Fact], view: SourceView, difficulty: Difficulty) -> Iterator[Fact]:
    """All facts, each time the one that is worth most after those before it."""
    salience = {fact.line.span: _SALIENCE * view.salience(fact.line) for fact in facts}
    worth = [
        fact.worth + salience[fact.line.span] + _LEVEL.get((difficulty, fact.answer_type), 0.0)
        for fact in facts
    ]
    lines: Counter[int] = Counter()
    types: Counter[AnswerType] = Counter()
    left = list(range(len(facts)))
    while left:
        best = max(
            left,
            key=lambda index: (
                worth[index]
                - _REPEATED_LINE * lines[facts[index].line.span.start]
                - _REPEATED_TYPE * types[facts[index].answer_type],
                -index,
            ),
        )
        left.remove(best)
        lines[facts[best].line.span.start] += 1
        types[facts[best].answer_type] += 1
        yield facts[best]


def _for_quiz(facts: Sequence[Fact], view: SourceView) -> Iterator[Fact]:
    """The facts with a short answer. A definition is reversed, so that its term is the answer."""
    for fact in facts:
        if fact.topic and word_count(fact.back) <= _MAX_DEFINITION_WORDS:
            front = _MATCHES[view.language].format(_within(without_article(fact.back), view))
            yield fact._replace(
                front=front, back=capitalise(fact.topic), answer_type=AnswerType.TERM, worth=1.0
            )
        elif fact.answer_type in _QUIZ_WORTH and word_count(fact.back) <= _MAX_TERM_WORDS + 2:
            yield fact._replace(back=short_name(fact), worth=_QUIZ_WORTH[fact.answer_type])


def _within(meaning: str, view: SourceView) -> str:
    """The meaning as the source writes it within a sentence, without the capital that it has on the back of a card."""
    first = meaning.split()[0]
    return (
        decapitalise(meaning)
        if re.search(rf"\b{re.escape(decapitalise(first))}\b", view.plain_text)
        else meaning
    )


def _question(fact: Fact, pool: AnswerPool, view: SourceView) -> QuestionDraft | None:
    wrong = distractors(fact, pool.candidates_for(fact), view)
    if len(wrong) < WANTED or pool.count_rare(wrong) > MOST_RARE:
        return None
    options = [fact.back, *wrong]
    if fact.answer_type in (AnswerType.TERM, AnswerType.NAME):
        options = [capitalise(without_article(option)) for option in options]
    options = [view.typeset(option) for option in options]
    return QuestionDraft(view.typeset(fact.front), options, 0, view.typeset(fact.line.text), fact.line.quote)
