"""Makes cards and questions from facts, those worth most first, and spreads them over the sentences of the source."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.adapters.offline import english, french
from shared.adapters.offline.cloze import read_gaps, read_key_word
from shared.adapters.offline.distractors import WANTED, article_of, distractors, rank_options, without_article
from shared.adapters.offline.document_view import SourceView, word_count
from shared.adapters.offline.facts import AnswerType, Fact, capitalise, decapitalise
from shared.domain.study.material import CardDraft, Difficulty, QuestionDraft
from shared.domain.study.validation import check_cards, check_questions
from shared.domain.text.language import Language

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
    AnswerType.YEAR: 0.9,
    AnswerType.DATE: 0.9,
    AnswerType.NAME: 0.85,
    AnswerType.NUMBER: 0.75,
    AnswerType.TERM: 0.6,
    AnswerType.CLAUSE: 0.0,
}
_MAX_TERM_WORDS = 5
_MAX_DEFINITION_WORDS = 24


def read_all_facts(view: SourceView) -> list[Fact]:
    """All facts that the rules find in the source, in its order."""
    grammar = GRAMMAR[view.language]
    found: list[Fact] = []
    for line in view.lines:
        facts = [*grammar.read_facts(line, view), *read_gaps(line, view)]
        found += facts or read_key_word(line, view)
    return found


def make_cards(view: SourceView, count: int, difficulty: Difficulty) -> list[CardDraft]:
    """At most `count` drafts that pass the checks, the best first."""
    made: list[CardDraft] = []
    for fact in _by_worth(read_all_facts(view), view, difficulty):
        draft = CardDraft(view.typeset(fact.front), view.typeset(fact.back), fact.line.quote)
        if check_cards([draft], text=view.text, language=view.language, within=fact.line.span).items:
            made.append(draft)
        if len(made) >= count:
            break
    return made


def make_questions(view: SourceView, count: int, difficulty: Difficulty) -> list[QuestionDraft]:
    """At most `count` drafts that pass the checks, the best first."""
    facts = read_all_facts(view)
    pool = _DistractorPool(facts, view)
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
            front = _MATCHES[view.language].format(decapitalise(fact.back))
            yield fact._replace(
                front=front, back=capitalise(fact.topic), answer_type=AnswerType.TERM, worth=1.0
            )
        elif fact.answer_type is not AnswerType.CLAUSE and word_count(fact.back) <= _MAX_TERM_WORDS + 2:
            yield fact._replace(back=_short_name(fact), worth=_QUIZ_WORTH[fact.answer_type])


def _short_name(fact: Fact) -> str:
    """The name alone, such as `Luke Howard` for `The English chemist Luke Howard`."""
    if fact.answer_type is not AnswerType.NAME:
        return fact.back
    capitals = re.findall(r"(?:\b[A-ZÀ-Þ][\w'-]*(?: (?:de|van|von|Le))* ?)+\Z", fact.back)
    name = capitals[0].strip() if capitals else fact.back
    return name if len(fact.back.split()) > 3 and " " in name else fact.back


class _DistractorPool:
    """The answers of the source by type, from which wrong options are taken."""

    def __init__(self, facts: Sequence[Fact], view: SourceView) -> None:
        grammar = GRAMMAR[view.language]
        self._people = [
            _short_name(fact) for fact in facts if fact.answer_type is AnswerType.NAME and _is_person(fact)
        ]
        self._topics = [capitalise(fact.topic) for fact in facts if fact.topic]
        clauses = (grammar.parse(capitalise(line.text.rstrip(" ."))) for line in view.lines)
        subjects = [capitalise(clause.subject) for clause in clauses if clause is not None]
        self._terms = [
            term
            for term in (*self._topics, *subjects)
            if term not in self._people
            and not grammar.is_person(term, "")
            and word_count(term) <= _MAX_TERM_WORDS
            and not any(char.isdigit() for char in term)
            and not grammar.is_unspecific(term)
        ]
        self._names = [term for term in self._terms if grammar.answer_type_of(term, view) is AnswerType.NAME]

    def candidates_for(self, fact: Fact) -> list[str]:
        if fact.topic:
            return rank_options([*self._topics, *self._terms], fact, any_article=True)
        if fact.answer_type is AnswerType.NAME and _is_person(fact):
            return rank_options(self._people, fact)
        if fact.answer_type is AnswerType.NAME and not article_of(fact.back):
            return rank_options(self._names, fact)
        return rank_options(self._terms, fact)


def _is_person(fact: Fact) -> bool:
    return fact.front.startswith(("Who ", "Qui ")) and not fact.topic


def _question(fact: Fact, pool: _DistractorPool, view: SourceView) -> QuestionDraft | None:
    wrong = distractors(fact, pool.candidates_for(fact), view)
    if len(wrong) < WANTED:
        return None
    options = [fact.back, *wrong]
    if fact.topic:
        options = [capitalise(without_article(option)) for option in options]
    options = [view.typeset(option) for option in options]
    return QuestionDraft(view.typeset(fact.front), options, 0, view.typeset(fact.line.text), fact.line.quote)
