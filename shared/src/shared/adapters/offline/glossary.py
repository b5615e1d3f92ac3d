"""Finds facts in the rows of tables, glossaries, vocabulary lists and chronologies."""

import re
from collections.abc import Iterator, Sequence

from shared.adapters.offline.document_view import Line, SourceView, plain, word_count
from shared.adapters.offline.english import lexicon as lexicon_en
from shared.adapters.offline.facts import AnswerType, Fact, capitalise
from shared.adapters.offline.french import lexicon as lexicon_fr
from shared.domain.study.sentence_rules import is_clean, leans_on_context, speaks_of_page_or_reader
from shared.domain.text.language import Language
from shared.domain.text.structure.rows import rows
from shared.domain.text.structure.tables import Row
from shared.domain.text.words import content_words, fold, listed

_DATE = re.compile(
    rf"(?:(?:\d{{1,2}}(?:er|st|nd|rd|th)? )?(?:(?:{lexicon_fr.MONTHS}|{lexicon_en.MONTHS}) )?(?:\d{{1,2}}, )?[12]\d{{3}}|\d{{1,2}}/\d{{1,2}}/[12]\d{{3}})",
    re.IGNORECASE,
)
_NO_TERMS = frozenset(
    listed("""note notes example examples remark remarks tip tips warning source sources figure table title author date url see hint summary
    introduction conclusion definition definitions question answer objective objectives licence license name type chapter
    exemple exemples remarque remarques astuce attention tableau titre auteur voir resume rappel reponse objectif objectifs nom
    chapitre sommaire plan probleme problematique consequence consequences causes cause highlight vocabulaire phone email isbn general""")
)
_FIRST_SENTENCE = re.compile(r"(?<=[a-zà-ÿ)])[.;] (?=[A-ZÀ-Þ])")
_DESIGNATES = {Language.FR: "Que désigne « {} » ?", Language.EN: "What is meant by “{}”?"}
_MEANS = {Language.FR: "Que signifie « {} » ?", Language.EN: "What does “{}” mean?"}
_WHEN = {
    Language.FR: "Quelle est la date de l'événement : « {} » ?",
    Language.EN: "What is the date of: “{}”?",
}
_CELL = {Language.FR: "{} : {}. {} ?", Language.EN: "{}: {}. {}?"}
_MOST_TERM_WORDS, _MOST_MEANING_WORDS, _MOST_CELL_WORDS = 5, 30, 12
_FEWEST_PAIRS = 3
"""Pairs from which a text has a list of terms; fewer lines with a colon may be anything."""
_SHORT_MEANING = 2
"""Words up to which a meaning is a translation or a synonym."""


def read_rows(view: SourceView) -> Iterator[Fact]:
    found = rows(view.text)
    pairs = [row for row in found if row.is_pair and _is_entry(_cells(row, view), view)]
    if len(pairs) >= _FEWEST_PAIRS:
        yield from filter(None, (_pair(row, pairs, view) for row in pairs))
    tables = [row for row in found if not row.is_pair]
    for row in tables:
        yield from _table_row(row, tables, view)


def _cells(row: Row, view: SourceView) -> tuple[str, ...]:
    """The cells in plain text, each up to the end of its first sentence."""
    return tuple(_FIRST_SENTENCE.split(plain(cell.of(view.text)))[0].rstrip(" ;.") for cell in row.cells)


def _line(row: Row, view: SourceView) -> Line:
    quote = row.span.of(view.text)
    return Line(row.span, quote, plain(quote))


def _is_entry(cells: Sequence[str], view: SourceView) -> bool:
    term, meaning = cells
    return (
        0 < len(term.split()) <= _MOST_TERM_WORDS
        and bool(meaning)
        and "," not in term
        and not leans_on_context(meaning, view.language)
        and 0 < word_count(meaning) <= _MOST_MEANING_WORDS
        and (bool(content_words(term)) or _DATE.fullmatch(term) is not None)
        and not {fold(word) for word in term.split()} & (_NO_TERMS | {"and", "or", "et", "ou"})
        and not set(content_words(term)) <= set(content_words(meaning))
        and is_clean(term)
        and is_clean(meaning)
        and not speaks_of_page_or_reader(meaning, view.language)
        and meaning[-1] not in ",:?"
        and _DATE.match(meaning) is None
        and not _holds_verb(term, meaning, view)
    )


def _holds_verb(term: str, meaning: str, view: SourceView) -> bool:
    """Whether the term is a clause, or the meaning begins with a verb whose subject is the term."""
    lexicon = lexicon_fr if view.language is Language.FR else lexicon_en
    verbs = set(lexicon.FORMS) | set(lexicon.BE)
    is_clause = bool({word.lower() for word in term.split()} & set(lexicon.BE))
    return is_clause or (meaning.split()[0].lower() in verbs and word_count(meaning) > _SHORT_MEANING)


def _pair(row: Row, pairs: Sequence[Row], view: SourceView) -> Fact | None:
    term, meaning = _cells(row, view)
    line = _line(row, view)
    if _DATE.fullmatch(term):
        return Fact(line, _WHEN[view.language].format(meaning), term, AnswerType.DATE, 0.8)
    if any(char.isdigit() for char in term):
        return None
    if word_count(meaning) <= _SHORT_MEANING:
        others = _others(pairs, 1, meaning, view)
        return Fact(line, _MEANS[view.language].format(term), meaning, AnswerType.CELL, 0.8, options=others)
    front = _DESIGNATES[view.language].format(term)
    others = _others(pairs, 0, term, view)
    return Fact(line, front, capitalise(meaning), AnswerType.CLAUSE, 0.95, topic=term, options=others)


def _table_row(row: Row, tables: Sequence[Row], view: SourceView) -> Iterator[Fact]:
    """A question for each column with a name but the first, which tells what the row is about."""
    cells, heads = _cells(row, view), [plain(head.of(view.text)) for head in row.heads]
    if len(heads) != len(cells) or not heads or not cells[0] or not heads[0]:
        return
    same = [other for other in tables if other.heads == row.heads]
    for column, (head, cell) in enumerate(zip(heads, cells, strict=True)):
        if column and head and cell and word_count(cell) <= _MOST_CELL_WORDS and is_clean(cell):
            front = _CELL[view.language].format(heads[0], cells[0], head)
            others = _others(same, column, cell, view)
            yield Fact(_line(row, view), front, cell, AnswerType.CELL, 0.85, options=others)


def _others(all_rows: Sequence[Row], column: int, cell: str, view: SourceView) -> tuple[str, ...]:
    found = dict.fromkeys(_cells(row, view)[column] for row in all_rows if column < len(row.cells))
    return tuple(one for one in found if one and one != cell)
