"""Finds the entries of glossaries, vocabulary lists and chronologies: lines of the form `term: definition`."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, plain, word_count
from shared.adapters.offline.english import lexicon as lexicon_en
from shared.adapters.offline.facts import AnswerType, Fact, capitalise
from shared.adapters.offline.french import lexicon as lexicon_fr
from shared.domain.study.sentence_rules import is_clean, talks_of_page
from shared.domain.text.language import Language
from shared.domain.text.span import Span
from shared.domain.text.words import content_words, fold, listed

_ENTRY = re.compile(
    r"^(?P<lead>[ \t]*(?:[-*•–+][ \t]+|\d{1,2}[.)][ \t]+)?)(?P<mark>\*\*|__)?(?P<term>[^\n:*_|#]{2,60}?)[ \t\u00a0]*(?:(?P=mark)|:(?P=mark))?[ \t\u00a0]*(?::|(?<=[\*_\w\)] )[–—-](?= ))[ \t\u00a0]+"
    r"(?P<meaning>[^\n|]{8,300})$(?!\n[a-zà-ÿ])",
    re.MULTILINE,
)
_DATE = re.compile(
    rf"(?:(?:\d{{1,2}}(?:er|st|nd|rd|th)? )?(?:(?:{lexicon_fr.MONTHS}|{lexicon_en.MONTHS}) )?(?:\d{{1,2}}, )?[12]\d{{3}}|\d{{1,2}}/\d{{1,2}}/[12]\d{{3}})",
    re.IGNORECASE,
)
_NO_TERMS = frozenset(
    listed("""note notes example examples remark remarks tip tips warning source sources figure table title author date url see hint summary
    introduction conclusion definition definitions question answer objective objectives licence license name type chapter
    exemple exemples remarque remarques astuce attention tableau titre auteur voir resume rappel reponse objectif objectifs nom
    chapitre sommaire plan introduction probleme problematique consequence consequences causes cause highlight vocabulaire""")
)
_DESIGNATES = {Language.FR: "Que désigne « {} » ?", Language.EN: "What is meant by “{}”?"}
_WHEN = {
    Language.FR: "Quelle est la date de l'événement : « {} » ?",
    Language.EN: "What is the date of: “{}”?",
}
_FEWEST_ENTRIES = 3
"""Entries from which a text has a list of terms; a single colon may stand anywhere."""
_MOST_TERM_WORDS, _FEWEST_MEANING_WORDS, _MOST_MEANING_WORDS = 5, 3, 30


def read_glossary(view: SourceView) -> Iterator[Fact]:
    entries = [
        match for match in _ENTRY.finditer(view.text) if _is_entry(match["term"], match["meaning"], view)
    ]
    if len(entries) < _FEWEST_ENTRIES:
        return
    for match in entries:
        fact = _fact(match, view)
        if fact is not None:
            yield fact


def _is_entry(term: str, meaning: str, view: SourceView) -> bool:
    term, meaning = plain(term), plain(meaning)
    return (
        0 < len(term.split()) <= _MOST_TERM_WORDS
        and _FEWEST_MEANING_WORDS <= word_count(meaning) <= _MOST_MEANING_WORDS
        and (bool(content_words(term)) or _DATE.fullmatch(term) is not None)
        and not {fold(word) for word in term.split()} & _NO_TERMS
        and not set(content_words(term)) <= set(content_words(meaning))
        and is_clean(term)
        and is_clean(meaning)
        and not talks_of_page(meaning, view.language)
        and meaning[-1] not in ",:?"
        and _DATE.match(meaning) is None
        and not _holds_verb(term, meaning, view)
        and not meaning.startswith(("http", "//"))
    )


def _holds_verb(term: str, meaning: str, view: SourceView) -> bool:
    """Whether the term is a clause, or the meaning begins with a verb whose subject is the term."""
    lexicon = lexicon_fr if view.language is Language.FR else lexicon_en
    verbs = set(lexicon.FORMS) | set(lexicon.BE)
    return (
        bool({word.lower() for word in term.split()} & set(lexicon.BE)) or meaning.split()[0].lower() in verbs
    )


def _fact(match: re.Match[str], view: SourceView) -> Fact | None:
    start, end = match.end("lead"), match.end("meaning")
    quote = view.text[start:end].rstrip()
    line = Line(Span(start, start + len(quote)), quote, plain(quote))
    term, meaning = plain(match["term"]), plain(match["meaning"]).rstrip(" ;.")
    meaning = re.split(r"(?<=[a-zà-ÿ)])[.;] (?=[A-ZÀ-Þ])", meaning)[0]
    if _DATE.fullmatch(term):
        return Fact(line, _WHEN[view.language].format(meaning), term, AnswerType.DATE, 0.8)
    if any(char.isdigit() for char in term):
        return None
    front = _DESIGNATES[view.language].format(term)
    return Fact(line, front, capitalise(meaning), AnswerType.CLAUSE, 0.95, topic=term)
