"""What an English sentence says, asked in English."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.adapters.offline.facts import MAX_BACK_WORDS, Fact, Sort, capitalise
from shared.adapters.offline.lexicon_en import (
    ANAPHORS,
    BE,
    CONNECTIVES,
    DETERMINERS,
    FORMS,
    MODALS,
    MONTHS,
    PARTICIPLES,
    PERSONS,
    PREPOSITIONS,
    SUPERLATIVE,
)
from shared.adapters.offline.source import Line, SourceView, without_asides, word_count
from shared.domain.words import content_words, fold, listed, stem

_CONNECTIVE = re.compile(rf"(?:{CONNECTIVES}),? (?=\w)", re.IGNORECASE)
_LEAD = re.compile(
    r"((?:In|On|At|By|During|After|Before|Since|Under|Within|Between|As|When|If|Without|Beyond|From|Near|For|With|Around)\b"
    r"(?:[^,]|,(?= \d{4})){1,80}), (?=\w)"
)
_FILLER = re.compile(r" (?:also|then|therefore|however|thus|probably)(?= )")
_TOKEN = re.compile(r"[\w'-]+")
VAGUE = re.compile(
    r"\b(?:this|these|those|such|former|latter|above|below|following|here|he|she|him|they|them|later|earlier|afterwards|that (?:year|day|time|period|date))\b",
    re.IGNORECASE,
)
_DEFINING = re.compile(
    r"(?P<term>[^,;:]{2,60}?) (?:(?P<be>is|are|was|were)|refers to|is defined as|are defined as|means) "
    r"(?P<meaning>(?:an?|the|any|one of|a set of) .+)"
)
_NAMED = re.compile(
    r"(?P<what>The [^,;:]{4,60}?) (?P<be>is|was) (?P<name>[A-Z][\w'-]+(?: [A-Z][\w'-]+){0,3})"
)
"""The description first, the name last."""
_APPOSED = re.compile(
    r"\b(?P<term>(?:the )?(?:[A-Z][\w'-]+|[a-z]+(?= [a-z]+,)|)(?: ?[A-Z]?[\w'-]+){0,2}), (?P<meaning>(?:a|an|the) [^,;:()]{12,130})(?=[,;.]|$)"
)
_WHEN = re.compile(
    r"(?P<term>[^,;]{3,50}?) (?P<verb>occurs|happens|forms|begins|starts|takes place) (?P<when>when .+)"
)
_BECAUSE = re.compile(r"(?P<effect>.{15,160}?),? (?P<cause>because .{8,}|, since .{8,})", re.IGNORECASE)
_BECAUSE_FIRST = re.compile(r"Because (?P<cause>[^,]{8,120}), (?P<effect>.{10,})")
_DATE = rf"(?:(?:{MONTHS}) (?:\d{{1,2}}, )?)?(?:1\d{{3}}|20\d\d)"
_WHEN_DATE = re.compile(rf"\s?,?\b(?:[Ii]n|[Oo]n) (?P<date>{_DATE})\b(?!s| (?:to|and|or|until)\b)")
_ANY_YEAR = re.compile(r"\b(?:1\d{3}|20\d\d)\b(?! (?:kilo|met|deg|lit|mill|ton|year|percent))")
_WHERE = re.compile(
    r"(?:(?P<simple>lie|live|occur|take place|grow|form)s?|(?P<be>is|are) (?:located|found|situated)) (?P<place>(?:in|on|at|between|beneath|under|inside|within|beyond|along|near) .+)"
)
_MADE_OF = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<how>consists? of|is made of|are made of|is composed of|is made up of) (?P<parts>.+)"
)
_USED_FOR = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<be>is|are) used (?P<use>(?:to|for) .+)")
_CLAUSE_END = re.compile(
    r"(?:,? (?:because|when|if|while|since|although|until|whereas|so that)\b|, (?:which|who|where|but|with)\b|;| – | — "
    r"|, (?:and|or) (?=it|they|he|she|its|their|the \w+ \w+s\b)|, (?!(?:and|or|\d{4}) ?)(?![\w' -]{1,40}(?:,| and | or )))"
)
_DEFINITION_END = re.compile(
    r",? (?:because|although|whereas)\b|;|:| – | — |, (?:about|but|and (?:it|they|its|their|this)|which|where|so) "
)
_LONG_DEFINITION = 24
_NEW_CLAUSE = re.compile(r"([^,;]{8,}?), (?:and|or|but) ")
"""A comma before `and` with none before it joins two clauses; after others it ends a list."""
_SECOND_VERB = re.compile(r" (?:and|but|or) (?:then |later |also )?(?P<verb>[a-z]+)\b")


class Clause(NamedTuple):
    """A simple statement, taken apart."""

    lead: str
    subject: str
    verb: str
    rest: str


def read_facts(line: Line, view: SourceView) -> Iterator[Fact]:
    """Every fact a rule finds in one sentence that stands on its own."""
    said = capitalise(_FILLER.sub("", without_connective(without_asides(line.said)).rstrip(" .!")))
    yield from _apposed(said, line, view)
    first = _TOKEN.match(said)
    if first is None or first[0].lower() in ANAPHORS or said.startswith(("As ", "What ", "How ", "Let ")):
        return
    yield from _definition(said, line, view)
    yield from _named(said, line, view)
    yield from _when(said, line, view)
    yield from _made_of(said, line, view)
    yield from _used_for(said, line, view)
    yield from _cause(said, line, view)
    if (clause := parse(said)) is not None:
        yield from _date(clause, line, view)
        yield from _place(clause, line, view)
        yield from _author(clause, line, view)
        yield from _agent(clause, line, view)
        yield from _object(clause, line, view)


def without_connective(said: str) -> str:
    """Without the `but` or `in fact` that ties it to the sentence before."""
    match = _CONNECTIVE.match(said)
    return capitalise(said[match.end() :]) if match else said


def parse(said: str) -> Clause | None:
    """Subject, verb and rest of a statement whose verb is known; None when it is not that simple."""
    lead = _LEAD.match(said)
    body = said[lead.end() :] if lead else said
    previous = ""
    for index, token in enumerate(_TOKEN.finditer(body)):
        word = token[0].lower()
        if index > 11 or word in ("that", "which", "who", "because", "if", "when"):
            return None
        if index and _is_finite(word, previous, body[token.end() :]):
            subject = body[: token.start()].strip()
            return (
                Clause(lead[1] if lead else "", subject, token[0], body[token.end() :].strip())
                if _is_subject(subject)
                else None
            )
        previous = word
    return None


def _is_finite(word: str, previous: str, after: str) -> bool:
    if previous in DETERMINERS or previous in PREPOSITIONS or previous in ("and", "or", "not"):
        return False
    if word in BE or word in MODALS:
        return True
    form = FORMS.get(word)
    if form is None or after.startswith((" of ", ",", " is ", " are ", " was ", " were ", "-")):
        return False
    if form.tense == "plural":
        return (previous.endswith("s") and not previous.endswith(("ss", "us", "is"))) or previous in PERSONS
    if form.tense == "past":
        return not after.startswith(" by ") and not previous.endswith(("est", "ly", "most"))
    return True


def _is_subject(said: str) -> bool:
    found = [word.lower() for word in _TOKEN.findall(said)]
    return (
        0 < len(found) <= 9
        and not set(found) & ANAPHORS - {"one", "some", "most", "many"}
        and found[0] not in PREPOSITIONS
        and "," not in said
        and bool(content_words(said))
    )


def name_of(subject: str, view: SourceView, *, is_plural: bool = False) -> str:
    """The noun phrase as it stands within a question: without its capital unless it is a name."""
    first = subject.split(" ", 1)[0]
    bare = first.removesuffix("'s")
    if first.lower() in DETERMINERS:
        return first.lower() + subject[len(first) :]
    is_alone = first == subject
    following = "" if is_alone else subject.split(" ")[1]
    if bare[1:] != bare[1:].lower() or any(char.isdigit() for char in bare) or following[:1].isupper():
        return subject
    looks_common = bare.endswith(_COMMON_ENDINGS) or (is_plural and bare.endswith("s"))
    if (is_alone and bare.endswith(_COMMON_ENDINGS)) or (
        bare not in view.names
        and (looks_common or stem(fold(bare)) in view.plain_stems or following[:1].islower())
    ):
        return first.lower() + subject[len(first) :]
    return subject


_COMMON_ENDINGS = ("tion", "sion", "sis", "ment", "ity", "ism", "ance", "ence", "ing", "ics")


def is_person(said: str, evidence: str) -> bool:
    """Whether somebody is meant: a trade says it, or a full name next to a trade or to what only people do."""
    found = {word.lower() for word in _TOKEN.findall(said)}
    if found & PERSONS or {word.removesuffix("s") for word in found} & PERSONS:
        return True
    is_full_name = len(said.split()) in (2, 3) and all(
        word[:1].isupper() and word.isalpha() for word in said.split()
    )
    told = {word.lower() for word in _TOKEN.findall(evidence)[:12]}
    return is_full_name and bool(told & (PERSONS | _HUMAN_DEEDS))


_HUMAN_DEEDS = frozenset(
    listed(
        "discovered proposed invented wrote published painted composed calculated proved founded designed built observed "
        "introduced described developed ruled led explained argued explored conquered translated signed"
    )
)


def sort_of(said: str, view: SourceView) -> Sort:
    """A name when the source capitalises it in mid-sentence."""
    return Sort.NAME if said.split()[-1] in view.names or said in view.names else Sort.TERM


def _named(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _NAMED.fullmatch(said)
    if match and not parse_starts(match["what"]) and len(content_words(match["what"])) > 1:
        what = name_of(match["what"], view)
        yield Fact(line, f"What {match['be']} {what}?", match["name"], Sort.NAME, 0.8)


def _definition(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _DEFINING.fullmatch(said)
    if match is None or not _is_subject(match["term"]) or parse_starts(match["term"]):
        return
    be = match["be"] or "is"
    term = name_of(match["term"], view, is_plural=_is_plural(be))
    meaning = _cut_definition(match["meaning"])
    if (
        VAGUE.search(meaning)
        or not 3 <= word_count(meaning) <= MAX_BACK_WORDS
        or meaning.startswith("the same")
    ):
        return
    is_unique = re.match(SUPERLATIVE, meaning) is not None
    is_named = meaning.startswith("the ") and _is_bare_name(match["term"], term)
    if is_unique or (is_named and not is_person(term, meaning)):
        core = re.split(r",? and | that |, ", meaning)[0] if is_unique else meaning
        if word_count(core) >= 3 and not re.match(r"the \w+ (?:in|of|on)\b", core):
            yield Fact(
                line, f"What {be} {core}?", capitalise(match["term"]), sort_of(match["term"], view), 0.8
            )
        return
    wh = "Who" if is_person(match["term"], meaning) else "What"
    yield Fact(line, f"{wh} {be} {term}?", capitalise(meaning), Sort.CLAUSE, 1.0, topic=match["term"])


def _is_bare_name(written: str, said: str) -> bool:
    """Whether it keeps its capital and has no article, as `Canberra` does: the description asks, the name answers."""
    return written == said and said.split()[0].lower() not in DETERMINERS and len(said.split()) <= 3


def parse_starts(term: str) -> bool:
    """Whether a would-be noun phrase already holds a verb or opens with a preposition."""
    found = [word.lower() for word in _TOKEN.findall(term)]
    return found[0] in PREPOSITIONS or any(
        word in BE or word in MODALS or (FORMS.get(word) and FORMS[word].tense == "past")
        for word in found[1:]
    )


def _apposed(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    lead = _LEAD.match(said)
    for match in _APPOSED.finditer(said, lead.end() if lead else 0):
        term = match["term"].strip()
        tokens = term.split()
        while tokens and tokens[0].lower() in PREPOSITIONS | MODALS | set(BE) | {"and", "or"}:
            tokens.pop(0)
        if (
            not tokens
            or not (tokens[0].lower() == "the" or all(token[:1].isupper() for token in tokens))
            or len(tokens) > 4
        ):
            continue
        named = " ".join(tokens)
        meaning = match["meaning"]
        is_enumerated = said[match.end() :].lstrip(", ").startswith(("and ", "or "))
        if (
            is_enumerated
            or (
                tokens[-1].endswith("s")
                and meaning.startswith(("a ", "an "))
                and not tokens[-1][:1].isupper()
            )
            or word_count(meaning) < 4
            or VAGUE.search(meaning)
            or any(token.lower() in FORMS and token.lower() in _FINITE_PASTS for token in tokens)
            or re.match(r"(?:the|a|an) \w+ (?:is|are|was|were|and|or)\b", meaning)
            or (not any(char.isupper() for char in named) and stem(fold(tokens[-1])) not in view.plain_stems)
            or (" " not in named and named.lower() in ("the", "a"))
            or parse(capitalise(meaning)) is not None
        ):
            continue
        if re.match(SUPERLATIVE, meaning):
            yield Fact(line, f"What is {meaning}?", capitalise(named), sort_of(named, view), 0.75)
        else:
            wh = "Who" if is_person(named, meaning) else "What"
            yield Fact(
                line, f"{wh} is {name_of(named, view)}?", capitalise(meaning), Sort.CLAUSE, 0.85, topic=named
            )


_FINITE_PASTS = frozenset(word for word, form in FORMS.items() if form.tense == "past")


def _when(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHEN.fullmatch(said)
    if match and _is_subject(match["term"]) and not VAGUE.search(match["when"]):
        base = FORMS.get(match["verb"].split()[0], None)
        verb = base.base if base else "take"
        tail = " place" if match["verb"].startswith("takes") else ""
        do = "does" if verb != match["verb"] else "do"
        yield Fact(
            line,
            f"When {do} {name_of(match['term'], view)} {verb}{tail}?",
            capitalise(_cut(match["when"])),
            Sort.CLAUSE,
            0.9,
        )


def _made_of(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _MADE_OF.fullmatch(said)
    if (
        match
        and _is_subject(match["term"])
        and not VAGUE.search(match["parts"])
        and word_count(match["parts"]) <= MAX_BACK_WORDS
    ):
        term, how = name_of(match["term"], view), match["how"]
        front = (
            f"What {how.split()[0]} {term} {how.split(' ', 1)[1]}?"
            if how.startswith(("is", "are"))
            else f"What {'does' if how.startswith('consists') else 'do'} {term} consist of?"
        )
        yield Fact(line, front, capitalise(match["parts"]), Sort.CLAUSE, 0.9)


def _used_for(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _USED_FOR.fullmatch(said)
    if match and _is_subject(match["term"]) and not VAGUE.search(match["use"]):
        yield Fact(
            line,
            f"What {match['be']} {name_of(match['term'], view)} used for?",
            capitalise(_cut(match["use"])),
            Sort.CLAUSE,
            0.85,
        )


def _cause(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    first = _BECAUSE_FIRST.fullmatch(said)
    match = first or _BECAUSE.fullmatch(said)
    if match is None:
        return
    clause = parse(capitalise(match["effect"].strip(" ,")))
    cause = re.sub(r"^, since", "because", match["cause"]) if not first else f"because {match['cause']}"
    if clause is None or VAGUE.search(match["effect"]) or word_count(cause) > MAX_BACK_WORDS:
        return
    if (asked := _ask("Why", clause, view)) is not None:
        yield Fact(line, asked, capitalise(cause.strip()), Sort.CLAUSE, 0.95)


def _date(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    if len(_ANY_YEAR.findall(line.said)) != 1:
        return
    lead = _WHEN_DATE.fullmatch(clause.lead)
    verb_span = _SECOND_VERB.search(clause.rest)
    end = verb_span.start() if verb_span and _is_verb(verb_span["verb"]) else len(clause.rest)
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
    asked = _ask(wh, asked_of._replace(rest=_cut(asked_of.rest, " after ", " by ")), view)
    if asked is not None and not VAGUE.search(asked):
        yield Fact(line, asked, date, Sort.YEAR if date.isdigit() else Sort.DATE, 0.85)


def _place(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHERE.match(f"{clause.verb} {clause.rest}")
    if match is None or VAGUE.search(match["place"]):
        return
    place, subject = _cut(match["place"], " and "), name_of(clause.subject, view)
    if match["be"]:
        front = f"Where {match['be']} {subject} located?"
    else:
        do = "does" if clause.verb.endswith("s") else "do"
        front = f"Where {do} {subject} {match['simple']}?"
    yield Fact(line, front, capitalise(place), Sort.CLAUSE, 0.75)


_PASSIVE = re.compile(
    r"(?P<verb>[a-z]+)\b(?P<more>[^,;]{0,60}?) by (?P<agent>(?:the |an? )?(?:[a-zA-Z]+ ){0,4}?[A-Z][\w'-]+(?: (?:[A-Z][\w'-]+|de|van|von))*)"
)


def _author(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Ceres was discovered by …` asks `Who discovered Ceres?`"""
    match = _PASSIVE.match(clause.rest)
    if match is None or clause.verb not in ("was", "were") or match["verb"] not in PARTICIPLES:
        return
    past = next(
        (form for form, known in FORMS.items() if known.tense == "past" and form == match["verb"]), None
    )
    if past is None or not is_person(match["agent"], "discovered"):
        return
    yield Fact(
        line,
        f"Who {past} {name_of(clause.subject, view)}{match['more']}?",
        capitalise(match["agent"]),
        Sort.NAME,
        0.85,
    )


def _agent(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`What absorbs …?`: the subject is the answer."""
    predicate = f"{clause.verb} {_cut(clause.rest)}"
    verb = clause.verb.lower()
    if (
        _is_plural(verb)
        or (verb in BE and clause.rest.split(" ")[0] not in PARTICIPLES)
        or verb in ("has", "had", "can", "may", "must", "will", "could", "should", "would")
        or len(set(content_words(predicate))) < 3
        or word_count(predicate) > 18
        or VAGUE.search(predicate)
        or re.search(r"\b(?:it|its|their)\b", predicate)
        or word_count(clause.subject) > 6
        or clause.rest.startswith(("to any ", "to the ", "when ", "if "))
        or clause.subject.split()[-1].lower() in _HOLLOW
    ):
        return
    who = is_person(clause.subject, clause.verb) or clause.subject in view.surnames
    lead = f" {_lower_lead(clause.lead)}" if clause.lead else ""
    if lead and VAGUE.search(lead):
        return
    subject = clause.subject
    form = FORMS.get(verb)
    is_bare_name = " " not in subject and subject in view.names and form is not None and form.tense == "past"
    asked = "Who" if who else "Who or what" if is_bare_name else "What"
    yield Fact(
        line,
        f"{asked} {predicate}{lead}?",
        capitalise(subject),
        Sort.NAME if who or subject in view.names else Sort.TERM,
        0.8 if who else 0.6,
    )


def is_hollow(said: str) -> bool:
    """Whether a noun phrase names nothing by itself: `the rest`, `eight planets`, `many farmers`."""
    found = [word.lower() for word in _TOKEN.findall(said)]
    return found[-1] in _HOLLOW or found[0] in (DETERMINERS - {"the", "a", "an"}) or found[0].isdigit()


_NO_OBJECT = frozenset(
    listed("remain become move occur appear happen lie stay argue claim believe live last")
)
"""Verbs whose complement is not asked for with `what`."""
_HOLLOW = frozenset(
    listed(
        "rest result results process number amount level molecule part parts kind type example way thing value"
    )
)
"""Subjects that nobody could name from the question alone."""


def _object(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`What does … contain?`: the object is the answer."""
    verb = clause.verb.lower()
    form = FORMS.get(verb)
    target = _cut(clause.rest)
    found = target.split()
    if (second := _SECOND_VERB.search(target)) and _is_verb(second["verb"]):
        target = target[: second.start()]
    if (
        form is None
        or form.base in _NO_OBJECT
        or not found
        or found[0].lower() in PREPOSITIONS | {"when", "if", "because", "while"}
        or target.startswith("place ")
        or target.endswith(" ways")
        or found[0].endswith("ly")
        or found[0] in PARTICIPLES
        or found[0].lower() in ANAPHORS
        or not 2 <= len(set(content_words(target))) <= 10
        or len(content_words(clause.subject)) < 1
        or VAGUE.search(target)
        or re.search(r"\d|^(?:more|less|about|nearly|almost)\b", target)
        or (clause.lead and not _WHEN_DATE.fullmatch(clause.lead))
    ):
        return
    do = {"singular": "does", "plural": "do", "past": "did"}[form.tense]
    lead = f" {_lower_lead(clause.lead)}" if clause.lead else ""
    subject = name_of(clause.subject, view, is_plural=form.tense == "plural")
    yield Fact(line, f"What {do} {subject} {form.base}{lead}?", capitalise(target), Sort.CLAUSE, 0.65)


def _ask(wh: str, clause: Clause, view: SourceView) -> str | None:
    """The clause as a question: `was` and its like change places with the subject, other verbs take `do`."""
    subject, verb = name_of(clause.subject, view, is_plural=_is_plural(clause.verb)), clause.verb.lower()
    lead = f" {_lower_lead(clause.lead)}" if clause.lead else ""
    if verb in BE or verb in MODALS - {"has", "have", "had"}:
        return f"{wh} {verb} {subject} {clause.rest}{lead}?"
    form = FORMS.get(verb)
    if form is None:
        return None
    do = {"singular": "does", "plural": "do", "past": "did"}[form.tense]
    rest = f" {clause.rest}" if clause.rest else ""
    return f"{wh} {do} {subject} {form.base}{rest}{lead}?"


def _is_plural(verb: str) -> bool:
    form = FORMS.get(verb.lower())
    return verb.lower() in ("are", "were") or (form is not None and form.tense == "plural")


def _is_verb(word: str) -> bool:
    return word in FORMS or word in BE or word in MODALS or word in PARTICIPLES


def _lower_lead(lead: str) -> str:
    return lead[:1].lower() + lead[1:]


def _cut_definition(said: str) -> str:
    """A definition keeps its conditions, as long as it can be remembered."""
    end = _DEFINITION_END.search(said)
    whole = said[: end.start()] if end else said
    return whole if word_count(whole) <= _LONG_DEFINITION else _cut(said)


def _cut(said: str, *more: str) -> str:
    """Up to where the next clause begins; the whole when nothing sensible would be left."""
    end = _NEW_CLAUSE.match(said) or _CLAUSE_END.search(said)
    if end is not None and end.re is _NEW_CLAUSE:
        return said[: end.end(1)]
    cut = said[: end.start()] if end and word_count(said[: end.start()]) >= 2 else said
    for separator in more:
        cut = cut.split(separator)[0]
    return cut.strip(" ,") if word_count(cut) >= 2 else said
