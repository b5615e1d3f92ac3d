"""Facts about what something is, what it is made of, what it is used for, and when it happens."""

import re
from collections.abc import Iterator
from itertools import dropwhile

from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.english.clauses import LEAD, cut, cut_definition, is_plural, parse
from shared.adapters.offline.english.lexicon import BE, FORMS, MODALS, PREPOSITIONS, SUPERLATIVE
from shared.adapters.offline.english.nouns import (
    VAGUE,
    answer_type_of,
    contains_verb,
    is_bare_name,
    is_person,
    is_subject,
    name_of,
)
from shared.adapters.offline.facts import MAX_BACK_WORDS, AnswerType, Fact, capitalise
from shared.domain.text.words import content_words, fold, stem

_DEFINING = re.compile(
    r"(?P<term>[^,;:]{2,60}?) (?:(?P<be>is|are|was|were)|refers to|is defined as|are defined as|means) "
    r"(?P<meaning>(?:an?|the|any|one of|a set of) .+)"
)
_NAMED = re.compile(
    r"(?P<what>The [^,;:]{4,60}?) (?P<be>is|was) (?P<name>[A-Z][\w'-]+(?: [A-Z][\w'-]+){0,3})"
)
"""A description followed by the name."""
_APPOSED = re.compile(
    r"\b(?P<term>(?:the )?(?:[A-Z][\w'-]+|[a-z]+(?= [a-z]+,)|)(?: ?[A-Z]?[\w'-]+){0,2}), (?P<meaning>(?:a|an|the) [^,;:()]{12,130})(?=[,;.]|$)"
)
_WHEN = re.compile(
    r"(?P<term>[^,;]{3,50}?) (?P<verb>occurs|happens|forms|begins|starts|takes place) (?P<when>when .+)"
)
_MADE_OF = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<how>consists? of|is made of|are made of|is composed of|is made up of) (?P<parts>.+)"
)
_USED_FOR = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<be>is|are) used (?P<use>(?:to|for) .+)")


def read_name(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _NAMED.fullmatch(text)
    if match and not contains_verb(match["what"]) and len(content_words(match["what"])) > 1:
        what = name_of(match["what"], view)
        yield Fact(line, f"What {match['be']} {what}?", match["name"], AnswerType.NAME, 0.8)


def read_definition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _DEFINING.fullmatch(text)
    if match is None or not is_subject(match["term"]) or contains_verb(match["term"]):
        return
    be = match["be"] or "is"
    term = name_of(match["term"], view, is_plural=is_plural(be))
    meaning = cut_definition(match["meaning"])
    if (
        VAGUE.search(meaning)
        or not 3 <= word_count(meaning) <= MAX_BACK_WORDS
        or meaning.startswith("the same")
    ):
        return
    is_unique = re.match(SUPERLATIVE, meaning) is not None
    is_named = meaning.startswith("the ") and is_bare_name(match["term"], term)
    if is_unique or (is_named and not is_person(term, meaning)):
        core = re.split(r",? and | that |, ", meaning)[0] if is_unique else meaning
        if word_count(core) >= 3 and not re.match(r"the \w+ (?:in|of|on)\b", core):
            yield Fact(
                line,
                f"What {be} {core}?",
                capitalise(match["term"]),
                answer_type_of(match["term"], view),
                0.8,
            )
        return
    wh = "Who" if is_person(match["term"], meaning) else "What"
    yield Fact(line, f"{wh} {be} {term}?", capitalise(meaning), AnswerType.CLAUSE, 1.0, topic=match["term"])


def read_apposition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """`the Kuiper belt, a ring of icy bodies` says what the belt is."""
    lead = LEAD.match(text)
    for match in _APPOSED.finditer(text, lead.end() if lead else 0):
        term, meaning = _last_noun_phrase(match["term"]), match["meaning"]
        is_listed = text[match.end() :].lstrip(", ").startswith(("and ", "or "))
        if term is None or is_listed or not _is_known(term, view) or not _can_be(term, meaning):
            continue
        if re.match(SUPERLATIVE, meaning):
            yield Fact(line, f"What is {meaning}?", capitalise(term), answer_type_of(term, view), 0.75)
        else:
            asked = f"{'Who' if is_person(term, meaning) else 'What'} is {name_of(term, view)}?"
            yield Fact(line, asked, capitalise(meaning), AnswerType.CLAUSE, 0.85, topic=term)


def _last_noun_phrase(text: str) -> str | None:
    """The noun phrase after leading function words; None if it has no article and is no name."""
    tokens = list(dropwhile(lambda token: token.lower() in _FUNCTION_WORDS, text.split()))
    is_phrase = bool(tokens) and (tokens[0].lower() == "the" or all(token[:1].isupper() for token in tokens))
    holds_past = any(token.lower() in _FINITE_PASTS for token in tokens)
    return " ".join(tokens) if is_phrase and not holds_past and len(tokens) <= _LONGEST_TERM else None


def _is_known(term: str, view: SourceView) -> bool:
    """Whether the term is a name, or its noun occurs elsewhere too."""
    last = term.split()[-1]
    return term.lower() != "the" and (
        any(char.isupper() for char in term) or stem(fold(last)) in view.plain_stems
    )


def _can_be(term: str, meaning: str) -> bool:
    """Whether the meaning can describe the term: it is a phrase, not a clause, and agrees in number."""
    last = term.split()[-1]
    is_one_for_many = last.endswith("s") and last.islower() and meaning.startswith(("a ", "an "))
    return (
        not is_one_for_many
        and word_count(meaning) >= _SHORTEST_MEANING
        and VAGUE.search(meaning) is None
        and re.match(r"(?:the|a|an) \w+ (?:is|are|was|were|and|or)\b", meaning) is None
        and parse(capitalise(meaning)) is None
    )


_FUNCTION_WORDS = PREPOSITIONS | MODALS | set(BE) | {"and", "or"}
_LONGEST_TERM, _SHORTEST_MEANING = 4, 4
"""Limits in words."""
_FINITE_PASTS = frozenset(word for word, form in FORMS.items() if form.tense == "past")


def read_condition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHEN.fullmatch(text)
    if match and is_subject(match["term"]) and not VAGUE.search(match["when"]):
        verb, *tail = match["verb"].split()
        asked = " ".join(["When does", name_of(match["term"], view), FORMS[verb].base, *tail])
        yield Fact(line, f"{asked}?", capitalise(cut(match["when"])), AnswerType.CLAUSE, 0.9)


def read_parts(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _MADE_OF.fullmatch(text)
    if (
        match
        and is_subject(match["term"])
        and not VAGUE.search(match["parts"])
        and word_count(match["parts"]) <= MAX_BACK_WORDS
    ):
        term, how = name_of(match["term"], view), match["how"]
        front = (
            f"What {how.split()[0]} {term} {how.split(' ', 1)[1]}?"
            if how.startswith(("is", "are"))
            else f"What {'does' if how.startswith('consists') else 'do'} {term} consist of?"
        )
        yield Fact(line, front, capitalise(match["parts"]), AnswerType.CLAUSE, 0.9)


def read_use(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _USED_FOR.fullmatch(text)
    if match and is_subject(match["term"]) and not VAGUE.search(match["use"]):
        yield Fact(
            line,
            f"What {match['be']} {name_of(match['term'], view)} used for?",
            capitalise(cut(match["use"])),
            AnswerType.CLAUSE,
            0.85,
        )
