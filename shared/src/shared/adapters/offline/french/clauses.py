"""Parses simple statements, turns them into questions, and cuts them where the next clause begins."""

import re
from typing import NamedTuple

from shared.adapters.offline.document_view import SourceView, word_count
from shared.adapters.offline.facts import capitalise, decapitalise
from shared.adapters.offline.french.lexicon import BE, CONNECTIVES, DETERMINERS, FORMS, PREPOSITIONS
from shared.adapters.offline.french.nouns import TOKEN, is_plural_word, is_subject, name_of

_CONNECTIVE = re.compile(rf"(?:{CONNECTIVES}),? (?=\w)", re.IGNORECASE)
LEAD = re.compile(
    r"((?:En|Dans|À|Au|Aux|Sur|Sous|Pendant|Durant|Après|Avant|Depuis|Lors|Lorsque|Lorsqu'|Quand|Si|Sans|Avec|Pour|Par|Chez|Vers|"
    r"Entre|Au-delà|Il y a|Le \d+(?:er)?|Dès)\b[^,]{1,80}), (?=\w)"
)
PARTICIPLE_LEAD = re.compile(
    r"^[A-ZÀ-Þ][a-zà-ÿ]+(?:és?|ées?|us?|is?|ant)\b(?! est| sont)[^,]{0,70}, (?=(?:[A-ZÀ-Þ]|l[ea]s? |l'|une? ))"
)
FILLER = re.compile(r" (?:ensuite|alors|donc|aussi|également|probablement)(?= )")
_CLAUSE_END = re.compile(
    r"(?:,? (?:parce que|parce qu'|car|puisque|lorsque|lorsqu'|quand|tandis que|alors que|afin de|afin d'|avant de|avant d'|après)\b"
    r"|, (?:qui|où|dont|mais|ce qui|notamment|avec|puis|avant)\b|;| – | — |, (?!(?:et|ou) )(?![\w' -]{1,40}(?:,| et | ou )))"
)
_DEFINITION_END = re.compile(
    r",? (?:parce que|parce qu'|car|puisque|tandis que|alors que)\b|;| : | – | — |, (?:mais|et (?:ils?|elles?)|notamment|soit|donc|ce qui) "
)
_LONG_DEFINITION = 28
_NEW_CLAUSE = re.compile(r"([^,;]{8,}?), (?:et|ou|mais) ")
_MASCULINE, _FEMININE = ("le ", "un ", "ce "), ("la ", "une ", "cette ")


class Clause(NamedTuple):
    """A parsed simple statement."""

    lead: str
    subject: str
    clitic: str
    """`se `, `s'` or empty."""
    verb: str
    rest: str

    @property
    def predicate(self) -> str:
        return f"{self.clitic}{self.verb} {self.rest}".strip()


def without_connective(text: str) -> str:
    """The text without a leading `mais` or `en effet`, which refers to the sentence before."""
    match = _CONNECTIVE.match(text)
    return capitalise(text[match.end() :]) if match else text


def parse(text: str) -> Clause | None:
    """Parse a statement whose verb is known; None if it is not that simple."""
    lead = LEAD.match(text)
    body = text[lead.end() :] if lead else text
    previous, before = "", 0
    for index, token in enumerate(TOKEN.finditer(body)):
        word = token[0].lower()
        if index > 12 or word in ("que", "qui", "dont", "où", "ne", "n'", "qu'"):
            return None
        if index and _is_finite(word, previous, body[token.end() :]):
            clitic = body[before : token.start()] if previous in ("se", "s'") else ""
            subject = body[: token.start() - len(clitic)].strip()
            rest = body[token.end() :].strip()
            return (
                Clause(lead[1] if lead else "", subject, clitic, token[0], rest)
                if is_subject(subject)
                else None
            )
        previous, before = word, token.start()
    return None


def _is_finite(word: str, previous: str, after: str) -> bool:
    if previous.rstrip("'") in DETERMINERS or previous.rstrip("'") in PREPOSITIONS:
        return False
    if word in BE:
        return True
    form = FORMS.get(word)
    if form is None or (
        after.startswith((" de ", " d'", ","))
        and word not in ("dépend", "dépendent", "permet", "permettent", "décide", "décident")
    ):
        return False
    return previous in ("se", "s'") or form.is_plural == is_plural_word(previous) or word in ("a", "ont")


def ask(wh: str, clause: Clause, view: SourceView) -> str:
    """The clause as a question, with `-t-il` or `-t-elle` if the article shows the gender, or else with `est-ce que`."""
    subject = name_of(clause.subject, view)
    lead = f" {decapitalise(clause.lead)}" if clause.lead else ""
    rest = f" {clause.rest}" if clause.rest else ""
    pronoun = "il" if subject.startswith(_MASCULINE) else "elle" if subject.startswith(_FEMININE) else ""
    if pronoun:
        link = "-t-" if clause.verb[-1] in "aec" else "-"
        return f"{wh} {subject} {clause.clitic}{clause.verb}{link}{pronoun}{rest}{lead} ?"
    return elide(f"{wh} est-ce que {subject} {clause.clitic}{clause.verb}{rest}{lead} ?")


def elide(text: str) -> str:
    """Write `que un` as `qu'un`. Before an h it is left, because the spelling does not say whether the h is aspirated."""
    return re.sub(r"\b([Qq])ue (?=[aeiouâàéèêëîïôûœAEIOUÉÈ])", r"\1u'", text)


def is_verb(word: str) -> bool:
    bare = re.sub(r"^(?:se |s')", "", word)
    return bare in FORMS or bare in BE or bare.endswith(("ée", "és", "ées"))


_SECOND_VERB = re.compile(r" (?:et|ou|puis|mais) (?P<verb>(?:se |s')?[a-zà-ÿ]+)\b")


def without_second_verb(text: str) -> str:
    """The text up to a second verb of the same subject."""
    second = _SECOND_VERB.search(text)
    return text[: second.start()] if second and is_verb(second["verb"]) else text


def cut_definition(text: str) -> str:
    """The definition with its conditions, or only up to the next clause if it is too long to remember."""
    end = _DEFINITION_END.search(text)
    whole = text[: end.start()] if end else text
    return whole if word_count(whole) <= _LONG_DEFINITION else cut(text)


def cut(text: str) -> str:
    """The text up to the next clause, or all of it if too little would be left."""
    if new_clause := _NEW_CLAUSE.match(text):
        return new_clause[1]
    end = _CLAUSE_END.search(text)
    cut = text[: end.start()] if end and word_count(text[: end.start()]) >= 2 else text
    return cut.strip(" ,")
