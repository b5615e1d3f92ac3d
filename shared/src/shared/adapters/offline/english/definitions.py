"""Facts about what something is, how it is called, what it consists of, what it is used for, and when it happens."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.english.clauses import cut, cut_definition, is_plural, parse, without_second_verb
from shared.adapters.offline.english.lexicon import FORMS, SUPERLATIVE
from shared.adapters.offline.english.nouns import (
    VAGUE,
    answer_type_of,
    contains_verb,
    is_bare_name,
    is_person,
    is_term,
    name_of,
)
from shared.adapters.offline.facts import MAX_BACK_WORDS, AnswerType, Fact, capitalise
from shared.domain.text.words import content_words, fold, stem

_FIELD = r"(?:(?P<field>In (?!other|general|particular|contrast|addition|fact|turn|short|reality|practice|many|some|most|all)[a-z][a-z -]{3,30}), )?"
_DEFINING = re.compile(
    rf"{_FIELD}(?P<term>[^,;:]{{2,60}}?) (?:(?P<be>is|are|was|were)(?: defined as)?|refers to|means|describes) "
    r"(?P<meaning>(?:an?|the|any|a set of) .+)"
)
_PLURAL = re.compile(
    rf"{_FIELD}(?P<term>[A-Za-z][\w-]*(?: [\w-]+){{0,3}}) (?P<be>are) (?P<meaning>(?:[a-z-]+ ){{0,3}}[a-z-]{{3,}}s "
    r"(?:that|which|who|whose|with|of|in|from|made|formed|found|between|used|composed|having|containing|consisting|responsible) .+)"
)
"""A definition of several things has no article: `Enzymes are proteins that speed up reactions`."""
_NO_KIND = re.compile(
    r"(?:(?:an?|the|any) )?(?:very |more |most )?(?:ones?|same|result|reason|case|fact|way|ways|first|second|third|next|step|example|examples|essential|important|common"
    r"|good|great|major|key|main|big|large|small|simple|useful|significant|matter|list|lot|bit|few|attempt|expansion|early|late|subject|topic|problem"
    r"|challenge|question|number|variety|range|time|year|day|place|members?|parts?|types?|kinds?|forms?|differences?|following|sources?|fraction|word|name|title|term|higher|lower|point|majority|rest"
    r"|capable|able|likely|often|usually|always|not|made|composed|used|found|formed|given|known|called)\b"
)
"""Beginnings of a predicate that says something about a thing, but not what it is."""
_NAMED = re.compile(
    r"(?P<what>The [^,;:]{4,60}?) (?P<be>is|was) (?P<name>[A-Z][\w'-]+(?: [A-Z][\w'-]+){0,3})"
)
"""A description followed by the name."""
_BEST = re.compile(
    r"(?P<what>The (?:most|least|only|first|last|largest|smallest|highest|longest|oldest|simplest|main|chief|capital|\w{3,}est) [^,;:]{4,60}?) (?P<be>is|was) "
    r"(?P<name>(?:the |an? )?[\w'-]+(?: [\w'-]+){0,2})(?:,.*)?\Z"
)
"""The only thing of its kind, followed by the name."""
_APPOSED = re.compile(
    r"(?P<before>\A|(?:^|[^,]) )(?P<term>(?:[Tt]he )?[A-Z][\w'-]+(?: [A-Z][\w'-]+| [a-z]{3,10}(?=,)){0,2}), (?P<meaning>(?:an?) [^,;:()]{20,130})(?=[.;]|\Z|, (?:is|was|are|were|has|had|[a-z]+(?:ed|s)\b))"
)
_WHEN = re.compile(
    r"(?P<term>[^,;]{3,50}?) (?P<verb>occurs|happens|forms|begins|starts|takes place) (?P<when>when .+)"
)
_MADE_OF = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<how>consists?(?: only| mainly| mostly| primarily)? of|(?:is|are) (?:made of|composed of|made up of|divided into)) (?P<parts>.+)"
)
_USED_FOR = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<be>is|are) used (?P<use>(?:to|for) .+)")
_RELATED = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<be>is|are|was|were) (?P<how>(?:mainly |usually |often |largely |primarily )?"
    r"(?:(?:derived|made|obtained|extracted|synthesized) from|named (?:after|for)|(?:best |well )?known for|famous for|responsible for|measured in|expressed in|based on|"
    r"(?:governed|controlled|regulated|produced|carried|transmitted|protected|surrounded|bounded|covered|replaced|followed|preceded|stored|ruled|characterized|triggered|detected|bordered) by|"
    r"(?:converted|transformed|broken down|divided|classified) into|(?:associated|filled|covered) with|(?:attached|connected|attributed|dedicated) to|stored in|produced in)) (?P<what>.+)"
)
_FUNCTION = re.compile(
    r"(?P<what>The (?:main |primary |chief )?(?:function|purpose|role|goal|aim|task|job) of [^,;:]{3,50}?) (?P<be>is|was) (?P<meaning>to .+)"
)
_KNOWN = r"(?:also |usually |often |sometimes |commonly |generally |originally |formerly |now )?(?:called|known as|termed|referred to as)"
_CALLED = re.compile(
    rf"(?P<what>[^,;:]{{8,110}}?),? (?P<be>is|are|was|were) (?P<how>{_KNOWN}) (?P<name>[^,;:()]{{3,45}})(?:,.*)?"
)
_ALIAS = re.compile(
    rf"(?P<term>[^,;:()]{{3,50}})(?:, | \()(?:{_KNOWN}) (?P<name>[^,;:()]{{3,40}})(?:, |\) )(?:is|are|was|were) "
)
ALIAS = re.compile(rf"\A([^,;:()]{{3,50}}), {_KNOWN} [^,;:()]{{3,40}}, (is|are|was|were)\b")
"""Another name between a term and its verb, which hides a definition."""
_NAME_END = re.compile(
    r" (?:because|and|or|which|that|by|in|when|after|if|since|for|on|at|from|to|as|but|due|where|while|with|during) "
)


def read_name(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    best = _BEST.match(text)
    if best and _is_only_one(best) and not VAGUE.search(best["what"]) and not contains_verb(best["what"]):
        what = name_of(best["what"], view)
        yield Fact(line, f"What {best['be']} {what}?", capitalise(best["name"]), AnswerType.TERM, 0.85)
        return
    match = _NAMED.fullmatch(text)
    if match and not contains_verb(match["what"]) and len(content_words(match["what"])) > 1:
        what = name_of(match["what"], view)
        yield Fact(line, f"What {match['be']} {what}?", match["name"], AnswerType.NAME, 0.8)


def _is_only_one(best: re.Match[str]) -> bool:
    """The first or last of a row is worth asking for if it is somebody or something with a name."""
    if (
        re.match(r"(?:\w+ed|\w+ly|known|found|made|given|not|to|that)\b", best["name"])
        or " of the " in best["what"][:20]
    ):
        return False
    is_specific = (
        re.search(r" [A-Z]", best["what"]) is not None or len(content_words(best["what"])) > _FEWEST_NEW_WORDS
    )
    if not is_specific or " with " in best["name"] or " by " in best["what"]:
        return False
    is_of_a_row = re.match(r"The (?:first|last|only|main)\b", best["what"]) is not None
    return not is_of_a_row or best["name"][:1].isupper()


def read_definition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _DEFINING.fullmatch(text) or _PLURAL.fullmatch(text)
    if match is None or not is_term(match["term"]):
        return
    meaning = cut_definition(match["meaning"])
    if VAGUE.search(meaning) or word_count(meaning) > MAX_BACK_WORDS:
        return
    be = match["be"] or "is"
    term = name_of(match["term"], view, is_plural=is_plural(be))
    is_unique = re.match(SUPERLATIVE, meaning) is not None
    is_named = meaning.startswith("the ") and is_bare_name(match["term"], term)
    if is_unique or (is_named and not is_person(term, meaning)):
        core = re.split(r",? and | that |, ", meaning)[0] if is_unique else meaning
        is_told = bool(set(content_words(core)) & set(content_words(match["term"])))
        if word_count(core) >= 3 and not is_told and not re.match(r"the \w+ (?:in|of|on)\b", core):
            yield Fact(
                line,
                f"What {be} {core}?",
                capitalise(match["term"]),
                answer_type_of(match["term"], view),
                0.8,
            )
        return
    if (
        _NO_KIND.match(meaning)
        or re.search(r"\b(?:who|which|that),? having\b|\b(?:who|which|that),", meaning)
        or word_count(meaning) < _SHORTEST_MEANING
    ):
        return
    if len(set(content_words(meaning)) - set(content_words(term))) < _FEWEST_NEW_WORDS:
        return
    wh = "Who" if is_person(match["term"], meaning) else "What"
    field = f"{match['field']}, {wh.lower()}" if match["field"] else wh
    yield Fact(
        line, f"{field} {be} {term}?", capitalise(meaning), AnswerType.CLAUSE, 1.0, topic=match["term"]
    )


_SHORTEST_MEANING, _FEWEST_NEW_WORDS = 4, 2
"""Limits in words. New are those that are not in the term itself."""


def read_apposition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """`The Kuiper belt, a ring of icy bodies, lies beyond Neptune` says what the belt is."""
    match = _APPOSED.search(text)
    if match is None or not is_term(match["term"]) or _NO_TERM_BEFORE.search(text[: match.start("term")]):
        return
    term, meaning = match["term"], match["meaning"]
    if not term.startswith(("the ", "The ")) and _PLACE_BEFORE.search(text[: match.start("term")]):
        return
    if VAGUE.search(meaning) or word_count(meaning) < _SHORTEST_MEANING or not _can_be(term, meaning):
        return
    if not _NO_KIND.match(meaning):
        is_somebody = is_person(term, meaning)
        if len(term) < _SHORTEST_TERM or (is_somebody and len(term.split()) == 1):
            return
        asked = f"{'Who' if is_somebody else 'What'} is {name_of(term, view)}?"
        yield Fact(line, asked, capitalise(meaning), AnswerType.CLAUSE, 0.85, topic=term)


_SHORTEST_TERM = 4
"""Limit in characters."""
_PLACE_BEFORE = re.compile(r"\b(?:in|at|from|to|by|with|near|on|her|his|including) \Z")
_NO_TERM_BEFORE = re.compile(r"(?:\b(?:of|and|&|for|or|In|named|called)|[,&]) \Z")


def _can_be(term: str, meaning: str) -> bool:
    """Whether the meaning can describe the term: it is a phrase, not a clause, and agrees in number."""
    last = term.split()[-1]
    is_one_for_many = last.endswith("s") and last.islower() and meaning.startswith(("a ", "an "))
    return (
        not is_one_for_many
        and re.match(r"(?:the|a|an) \w+ (?:is|are|was|were|and|or)\b", meaning) is None
        and parse(capitalise(meaning)) is None
    )


def read_called(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """How a thing is called, which is the answer, and another name for a term."""
    if (alias := _ALIAS.match(text)) and is_term(alias["term"]):
        name = _name(alias["name"])
        asked = f"What is another name for {name_of(alias['term'], view)}?"
        yield Fact(line, asked, capitalise(name), AnswerType.TERM, 0.9)
        return
    match = _CALLED.fullmatch(text)
    if match is None or not _is_described(match["what"]):
        return
    name = _name(match["name"])
    what = name_of(match["what"], view, is_plural=is_plural(match["be"]))
    if 0 < len(name.split()) <= _LONGEST_NAME and stem(fold(name)) not in content_words(what):
        yield Fact(
            line, f"What {match['be']} {what} {match['how']}?", capitalise(name), AnswerType.TERM, 0.95
        )


_LONGEST_NAME, _SHORTEST_DESCRIPTION = 4, 3
"""Limits in words, of a name and of what is described by more than a name."""


def _name(text: str) -> str:
    """The name without quotation marks, and without what follows it."""
    return _NAME_END.split(re.sub(r"[\"“”]|(?<!\w)'|'(?!\w)", "", text).strip())[0]


def _is_described(what: str) -> bool:
    """Whether a thing can be named from its description."""
    return (
        word_count(what) >= _SHORTEST_DESCRIPTION
        and len(set(content_words(what))) > 1
        and VAGUE.search(what) is None
        and re.match(r"(?:The|An?|[A-Z][a-z-]+s) ", what) is not None
    )


def read_condition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHEN.fullmatch(text)
    if match and is_term(match["term"]) and not VAGUE.search(match["when"]):
        verb, *tail = match["verb"].split()
        asked = " ".join(["When does", name_of(match["term"], view), FORMS[verb].base, *tail])
        yield Fact(line, f"{asked}?", capitalise(cut(match["when"])), AnswerType.CLAUSE, 0.9)


def read_parts(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _MADE_OF.fullmatch(text)
    if match is None or not is_term(match["term"]) or VAGUE.search(match["parts"]):
        return
    how, parts = match["how"], cut_definition(match["parts"])
    term = name_of(match["term"], view, is_plural=how.startswith(("are", "consist ")))
    if how.startswith("consist"):
        do, made = "does" if how.startswith("consists") else "do", how.split(" ", 1)[1]
        front = f"What {do} {term} consist {made}?"
    else:
        be, *made = how.split()
        front = f"What {be} {term} {' '.join(made)}?"
    holds_clause = re.search(r" and [^,]* (?:is|are|was|were|has|have)\b", parts)
    if 2 <= word_count(parts) <= MAX_BACK_WORDS and not holds_clause:
        yield Fact(line, front, capitalise(parts), AnswerType.CLAUSE, 0.9)


def read_relation(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """What a thing is derived from, governed by, known for, and so on."""
    match = _RELATED.fullmatch(text)
    if match is None or not is_term(match["term"]) or VAGUE.search(match["what"]):
        return
    what = without_second_verb(cut(match["what"]))
    term = name_of(match["term"], view, is_plural=match["be"] in ("are", "were"))
    if 1 <= word_count(what) <= _LONGEST_RELATED and not re.match(r"(?:\w+ing|how|what|whether)\b", what):
        how = re.sub(r"^(?:mainly|usually|often|largely|primarily) ", "", match["how"])
        yield Fact(line, f"What {match['be']} {term} {how}?", capitalise(what), AnswerType.CLAUSE, 0.8)


_LONGEST_RELATED = 16
"""Limit in words."""


def read_use(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _USED_FOR.fullmatch(text)
    if match and is_term(match["term"]) and not VAGUE.search(match["use"]):
        term = name_of(match["term"], view, is_plural=match["be"] == "are")
        yield Fact(
            line,
            f"What {match['be']} {term} used for?",
            capitalise(cut(match["use"])),
            AnswerType.CLAUSE,
            0.85,
        )
    if (match := _FUNCTION.fullmatch(text)) and not VAGUE.search(text):
        asked = f"What {match['be']} {name_of(match['what'], view)}?"
        yield Fact(line, asked, capitalise(cut(match["meaning"])), AnswerType.CLAUSE, 0.9)
