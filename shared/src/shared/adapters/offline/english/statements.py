"""Facts about an event: why, when and where it happened, who did it, and to what."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.english.clauses import Clause, ask, cut, is_plural, parse, without_second_verb
from shared.adapters.offline.english.lexicon import (
    ANAPHORS,
    BE,
    DETERMINERS,
    FORMS,
    MODALS,
    MONTHS,
    PARTICIPLES,
    PREPOSITIONS,
)
from shared.adapters.offline.english.nouns import UNSPECIFIC_NOUNS, VAGUE, is_person, is_term, name_of
from shared.adapters.offline.facts import MAX_BACK_WORDS, AnswerType, Fact, capitalise, decapitalise
from shared.adapters.offline.terms import common_stems
from shared.domain.text.language import Language
from shared.domain.text.words import content_words, fold, listed, stem

_BECAUSE = re.compile(r"(?P<effect>.{15,160}?),? (?P<cause>because .{8,}|, since .{8,})", re.IGNORECASE)
_BECAUSE_FIRST = re.compile(r"Because (?P<cause>[^,]{8,120}), (?P<effect>.{10,})")
_CAUSED = re.compile(
    r"(?P<effect>[^,;:]{4,60}?) (?P<be>is|are|was|were) (?:mainly |largely |usually |often |primarily |mostly )?"
    r"(?:caused|triggered|brought about) by (?P<cause>.{6,})"
)
_DATE = rf"(?:(?:{MONTHS}) (?:\d{{1,2}}, )?)?(?:1\d{{3}}|20\d\d)"
_WHEN_DATE = re.compile(rf"\s?,?\b(?:[Ii]n|[Oo]n) (?P<date>{_DATE})\b(?!s| (?:to|and|or|until)\b)")
_ANY_YEAR = re.compile(r"\b(?:1\d{3}|20\d\d)\b(?! (?:kilo|met|deg|lit|mill|ton|year|percent))")
_WHERE = re.compile(
    r"(?:(?:lie|live|occur|grow|form)s?|takes?(?P<tail> place)|(?P<be>is|are) (?:located|found|situated)) (?P<place>(?:in|on|at|between|beneath|under|inside|within|beyond|along|near) .+)"
)


def read_cause(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    first = _BECAUSE_FIRST.fullmatch(text)
    match = first or _BECAUSE.fullmatch(text)
    if match is None:
        yield from _read_trigger(text, line, view)
        return
    effect = match["effect"].strip(" ,")
    cause = re.sub(r"^, since", "because", match["cause"]) if not first else f"because {match['cause']}"
    if VAGUE.search(text) or word_count(cause) > MAX_BACK_WORDS or _NO_MAIN_CLAUSE.search(effect):
        return
    clause = parse(capitalise(effect))
    asked = ask("Why", clause, view) if clause else None
    asked = asked or f"Why is it that {_within(effect, view)}?"
    yield Fact(line, asked, capitalise(cause.strip()), AnswerType.CLAUSE, 0.95)


def _within(clause: str, view: SourceView) -> str:
    """The clause as it is written after `that`."""
    first = re.split(r"[ ']", clause, maxsplit=1)[0]
    root = stem(fold(first))
    is_common = first.lower() in DETERMINERS or root in view.plain_stems or root in common_stems(Language.EN)
    return decapitalise(clause) if is_common and first not in view.names else clause


_NO_PLACE = re.compile(
    r"\A\w+ (?:many|various|different|several|most|some|all|order|which|response|a way|the form|two|three|four)\b|\b(?:forms?|stages|steps|framework|context|process)\b"
)
_NO_MAIN_CLAUSE = re.compile(
    r"\A(?:in|on|at|by|for|with|if|when|while|although|though|as|to|from|not|just|only|[a-z]+ing)\b|, (?:and|but|so)\b| that\Z|\bpartly\Z|\bsimply\Z|\bnot\Z",
    re.IGNORECASE,
)


def _read_trigger(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _CAUSED.fullmatch(text)
    if match is None or not is_term(match["effect"]) or VAGUE.search(match["cause"]):
        return
    effect = name_of(match["effect"], view, is_plural=match["be"] in ("are", "were"))
    asked = f"What {'causes' if match['be'] in ('is', 'are') else 'caused'} {effect}?"
    yield Fact(line, asked, capitalise(cut(match["cause"])), AnswerType.CLAUSE, 0.9)


_UNTIL = re.compile(r"\b(?:until|till|before|prior to|between|after)\b")
_ADVERBS = re.compile(r"(?:\w+ly|first|then|also|again|soon|finally|later|once) ")


def _is_event(clause: Clause) -> bool:
    """Whether something happens in the clause: after a form of `be`, a participle says what was done."""
    if clause.verb.lower() in ("is", "are") or clause.verb.lower() in MODALS:
        return False
    said = _ADVERBS.sub("", clause.rest).split(" ")[0].lower()
    return (
        clause.verb.lower() not in BE
        or said in PARTICIPLES
        or said.endswith("ed")
        or said in ("born", "found")
    )


def read_date(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    is_vague = (
        re.fullmatch(r"[Tt]he [a-z-]+", clause.subject) is not None or _UNTIL.search(line.text) is not None
    )
    if len(_ANY_YEAR.findall(line.text)) != 1 or is_vague or not _is_event(clause):
        return
    lead = _WHEN_DATE.fullmatch(clause.lead)
    end = len(without_second_verb(clause.rest))
    inside = _WHEN_DATE.search(clause.rest, 0, end)
    if lead is not None:
        date, asked_of = lead["date"], clause._replace(lead="")
    elif inside is not None:
        date = inside["date"]
        rest = (clause.rest[: inside.start()] + clause.rest[inside.end() : end]).strip()
        asked_of = clause._replace(rest=rest)
    else:
        return
    wh = "In what year" if date.isdigit() else "When"
    rest = without_second_verb(cut(asked_of.rest, " after ", " by "))
    asked = ask(wh, asked_of._replace(rest=rest), view)
    is_short = asked is not None and word_count(asked) <= _LONGEST_QUESTION
    if asked is not None and is_short and not VAGUE.search(asked):
        yield Fact(line, asked, date, AnswerType.YEAR if date.isdigit() else AnswerType.DATE, 0.85)


def read_place(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHERE.match(f"{clause.verb} {clause.rest}")
    if (
        match is None
        or not is_term(clause.subject)
        or _NO_PLACE.search(match["place"])
        or VAGUE.search(match["place"])
    ):
        return
    place, subject = cut(match["place"], " and "), name_of(clause.subject, view)
    if match["be"]:
        asked = f"Where {match['be']} {subject} located?"
    else:
        form = FORMS[clause.verb.lower()]
        asked = f"Where {_DO[form.tense]} {subject} {form.base}{match['tail'] or ''}?"
    yield Fact(line, asked, capitalise(place), AnswerType.CLAUSE, 0.75)


_PASSIVE = re.compile(
    r"(?P<verb>[a-z]+)\b(?P<more>[^,;]{0,60}?) by (?P<agent>(?:the |an? )?(?:[a-zA-Z]+ ){0,4}?[A-Z][\w'-]+(?: (?:[A-Z][\w'-]+|de|van|von))*)"
)


def read_author(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Ceres was discovered by …` asks `Who discovered Ceres?`"""
    match = _PASSIVE.match(clause.rest)
    if match is None or clause.verb not in ("was", "were") or match["verb"] not in PARTICIPLES:
        return
    form = FORMS.get(match["verb"])
    if form is None or form.tense != "past" or not is_person(match["agent"], "discovered"):
        return
    asked = f"Who {match['verb']} {name_of(clause.subject, view)}{match['more']}?"
    yield Fact(line, asked, capitalise(match["agent"]), AnswerType.NAME, 0.85)


def read_agent(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Who discovered …?`: the subject, a person, is the answer."""
    predicate = f"{clause.verb} {cut(clause.rest)}"
    lead = f" {decapitalise(clause.lead)}" if clause.lead else ""
    who = is_person(clause.subject, clause.verb) or clause.subject in view.surnames
    is_named = any(word[:1].isupper() for word in clause.subject.split()[1:] or [clause.subject])
    is_vague = (
        re.search(r"\b(?:his|her|their|the (?:book|term|first|second|latter))\b", predicate) is not None
    )
    if (
        who
        and is_named
        and not is_vague
        and _identifies_subject(clause, predicate)
        and not VAGUE.search(lead)
    ):
        yield Fact(line, f"Who {predicate}{lead}?", capitalise(clause.subject), AnswerType.NAME, 0.8)


def _identifies_subject(clause: Clause, predicate: str) -> bool:
    """Whether a learner can name the subject from the predicate alone."""
    verb = clause.verb.lower()
    is_noun_after_be = verb in BE and clause.rest.split(" ")[0] not in PARTICIPLES
    return not (
        is_plural(verb)
        or is_noun_after_be
        or verb in MODALS
        or clause.rest.startswith(("to any ", "to the ", "when ", "if "))
        or clause.subject.split()[-1].lower() in UNSPECIFIC_NOUNS
        or word_count(clause.subject) > _LONGEST_SUBJECT
        or word_count(predicate) > _LONGEST_PREDICATE
        or len(set(content_words(predicate))) < _FEWEST_CONTENT_WORDS
        or VAGUE.search(predicate)
        or re.search(r"\b(?:it|its|their)\b", predicate)
    )


def read_object(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`What does … contain?`: the object is the answer."""
    form = FORMS.get(clause.verb.lower())
    target = without_second_verb(cut(clause.rest))
    is_told = form is not None and form.base in _TELLING and (not clause.lead or form.base == "become")
    if form is not None and form.base == "become" and not target.startswith(("a ", "an ", "the ")):
        return
    if form is None or not is_told or not is_term(clause.subject) or not _is_object(target):
        return
    subject = name_of(clause.subject, view, is_plural=form.tense == "plural")
    lead = f" {decapitalise(clause.lead)}" if clause.lead else ""
    asked = f"What {_DO[form.tense]} {subject} {form.base}{lead}?"
    yield Fact(line, asked, capitalise(target), AnswerType.CLAUSE, 0.65)


def _is_object(text: str) -> bool:
    """Whether the text is a noun phrase that is worth asking for."""
    first = text.split(" ")[0].lower()
    return not (
        first in PREPOSITIONS | PARTICIPLES | ANAPHORS | _NO_OBJECT_STARTS
        or first.endswith("ly")
        or text.endswith(" ways")
        or not 2 <= len(set(content_words(text))) <= _MOST_CONTENT_WORDS
        or VAGUE.search(text)
        or re.search(r"\d", text)
    )


_DO = {"singular": "does", "plural": "do", "past": "did"}
_LONGEST_SUBJECT, _LONGEST_PREDICATE, _LONGEST_QUESTION = 6, 18, 20
"""Limits in words."""
_FEWEST_CONTENT_WORDS, _MOST_CONTENT_WORDS = 3, 10
_TELLING = frozenset(
    listed("""absorb receive supply deliver become cause enable replace capture carry collect contain control convert digest emit encode establish filter generate
    measure produce protect provide pump regulate release remove secrete store synthesize transfer transmit transport trap
    abolish grant prohibit introduce invent discover""")
)
"""Verbs whose object says what a thing does."""
_NO_OBJECT_STARTS = frozenset(listed("when if because while place more less about nearly almost"))
