"""Parses simple statements, turns them into questions, and cuts them where the next clause begins."""

import re
from typing import NamedTuple

from shared.adapters.offline.document_view import SourceView, word_count
from shared.adapters.offline.english.lexicon import (
    BE,
    CONNECTIVES,
    DETERMINERS,
    FORMS,
    MODALS,
    PARTICIPLES,
    PERSONS,
    PREPOSITIONS,
)
from shared.adapters.offline.english.nouns import TOKEN, is_subject, name_of
from shared.adapters.offline.facts import capitalise, decapitalise

_CONNECTIVE = re.compile(rf"(?:{CONNECTIVES}),? (?=\w)", re.IGNORECASE)
LEAD = re.compile(
    r"((?:In|On|At|By|During|After|Before|Since|Under|Within|Between|As|When|If|Without|Beyond|From|Near|For|With|Around)\b"
    r"(?:[^,]|,(?= \d{4})){1,80}), (?=\w)"
)
_EMPTY_LEAD = re.compile(
    r"(?:In|On|At|By|As) (?:doing so|addition|fact|particular|general|contrast|turn|part|short|theory|practice|most cases|other words)\b"
)
"""Beginnings that say nothing about the event."""
FILLER = re.compile(r" (?:also|then|therefore|however|thus|probably)(?= )")
_CLAUSE_END = re.compile(
    r"(?:,? (?:because|when|if|while|since|although|until|whereas|so that)\b|, (?:which|who|where|but|with)\b|;| – | — "
    r"|, (?:and|or) (?=it|they|he|she|its|their|the \w+ \w+s\b)|, (?!(?:and|or|\d{4}) ?)(?![\w' -]{1,40}(?:,| and | or )))"
)
_DEFINITION_END = re.compile(
    r",? (?:because|although|whereas)\b|;|, (?=[A-Z]\w* \w+ (?:can|is|are|will|has|may)\b)|:| – | — |, (?:about|but|and (?:it|they|its|their|this|the (?:\w+ ){1,3}(?:is|are|has|have|was))|which|where|so) "
)
_LONG_DEFINITION = 24
_NEW_CLAUSE = re.compile(r"([^,;]{8,}?), (?:and|or|but) ")
"""The first comma joins two clauses if `and` follows it; a later comma before `and` ends a list."""


class Clause(NamedTuple):
    """A parsed simple statement."""

    lead: str
    subject: str
    verb: str
    rest: str


def without_connective(text: str) -> str:
    """The text without a leading `but` or `in fact`, which refers to the sentence before."""
    match = _CONNECTIVE.match(text)
    return capitalise(text[match.end() :]) if match else text


def parse(text: str) -> Clause | None:
    """Parse a statement whose verb is known; None if it is not that simple."""
    lead = LEAD.match(text)
    said = lead[1] if lead and not _EMPTY_LEAD.match(lead[1]) else ""
    body = text[lead.end() :] if lead else text
    previous = ""
    for index, token in enumerate(TOKEN.finditer(body)):
        word = token[0].lower()
        if index > 11 or word in ("that", "which", "who", "because", "if", "when"):
            return None
        if index and _is_finite(word, previous, body[token.end() :]):
            subject = body[: token.start()].strip()
            return (
                Clause(said, subject, token[0], body[token.end() :].strip()) if is_subject(subject) else None
            )
        previous = word
    return None


def _is_finite(word: str, previous: str, after: str) -> bool:
    if previous in DETERMINERS or previous in PREPOSITIONS or previous in ("and", "or", "not"):
        return False
    if word in BE or word in MODALS:
        return True
    form = FORMS.get(word)
    following = after.split(" ")[1] if after.startswith(" ") and len(after) > 1 else ""
    if form is not None and form.tense != "past" and following in FORMS and FORMS[following].tense == "past":
        return False  # `British forces moved`
    if form is None or after.startswith((" of ", ",", " is ", " are ", " was ", " were ", "-")):
        return False
    if form.tense == "plural":
        return (previous.endswith("s") and not previous.endswith(("ss", "us", "is"))) or previous in PERSONS
    if form.tense == "past":
        return not after.startswith(" by ") and not previous.endswith(("est", "ly", "most"))
    return True


def ask(wh: str, clause: Clause, view: SourceView) -> str | None:
    """The clause as a question: a form of `be` or a modal verb is moved before the subject, and other verbs take `do`."""
    subject, verb = name_of(clause.subject, view, is_plural=is_plural(clause.verb)), clause.verb.lower()
    lead = f" {decapitalise(clause.lead)}" if clause.lead else ""
    if verb in BE or verb in MODALS - {"has", "have", "had"}:
        return f"{wh} {verb} {subject} {clause.rest}{lead}?"
    form = FORMS.get(verb)
    if form is None:
        return None
    do = {"singular": "does", "plural": "do", "past": "did"}[form.tense]
    rest = f" {clause.rest}" if clause.rest else ""
    return f"{wh} {do} {subject} {form.base}{rest}{lead}?"


def is_plural(verb: str) -> bool:
    form = FORMS.get(verb.lower())
    return verb.lower() in ("are", "were") or (form is not None and form.tense == "plural")


def is_verb(word: str) -> bool:
    return word in FORMS or word in BE or word in MODALS or word in PARTICIPLES


_SECOND_VERB = re.compile(r" (?:and|but|or) (?:then |later |also )?(?P<verb>[a-z]+)\b")


def without_second_verb(text: str) -> str:
    """The text up to a second verb of the same subject."""
    second = _SECOND_VERB.search(text)
    return text[: second.start()] if second and is_verb(second["verb"]) else text


def cut_definition(text: str) -> str:
    """The definition with its conditions, or only up to the next clause if it is too long to remember."""
    end = _DEFINITION_END.search(text)
    whole = text[: end.start()] if end else text
    return whole if word_count(whole) <= _LONG_DEFINITION else cut(text)


def cut(text: str, *more: str) -> str:
    """The text up to the next clause, or all of it if too little would be left."""
    end = _NEW_CLAUSE.match(text) or _CLAUSE_END.search(text)
    if end is not None and end.re is _NEW_CLAUSE:
        return text[: end.end(1)]
    cut = text[: end.start()] if end and word_count(text[: end.start()]) >= 2 else text
    for separator in more:
        cut = cut.split(separator)[0]
    return cut.strip(" ,") if word_count(cut) >= 2 else text
