"""What happened: why, to what end, when, where, who did it and to what."""

import re
from collections.abc import Iterator

from shared.adapters.offline.facts import MAX_BACK_WORDS, Fact, Sort, capitalise
from shared.adapters.offline.french.clauses import Clause, ask, cut, elide, is_verb, lower_lead, parse
from shared.adapters.offline.french.lexicon import BE, DETERMINERS, FORMS, INSTITUTIONS, MONTHS
from shared.adapters.offline.french.nouns import HOLLOW, TOKEN, VAGUE, is_person, name_of, sort_of
from shared.adapters.offline.source import Line, SourceView, word_count
from shared.domain.words import content_words

_CAUSE = re.compile(
    r"(?P<effect>.{15,160}?),? (?P<cause>(?:parce que|parce qu'|car |puisque |puisqu'|en raison d|à cause d).{8,})",
    re.IGNORECASE,
)
_PURPOSE = re.compile(r"(?P<effect>.{15,160}?),? (?P<purpose>(?:afin de|afin d'|pour) ?\w+(?:er|ir|re)\b.*)")
_DATE = rf"(?:(?:\d{{1,2}}(?:er)? )?(?:{MONTHS}) )?(?:1\d{{3}}|20\d\d)"
_WHEN = re.compile(rf"\s?,?\b(?:[Ee]n|[Ll]e|[Dd]ès|[Dd]epuis) (?P<date>{_DATE})\b(?! (?:à|et|ou)\b)")
_ANY_YEAR = re.compile(r"\b(?:1\d{3}|20\d\d)\b(?! (?:kilo|mèt|deg|lit|mil|ton|ans|%))")
_WHERE = re.compile(
    r"(?P<verb>se déroulent|se déroule|a lieu|ont lieu|se trouvent|se trouve|se situent|se situe|est situéee?|sont située?s|vit|vivent) "
    r"(?P<place>(?:principalement |surtout )?(?:dans|à|au|aux|sur|sous|entre|en|au-dessus|le long) .+)"
)
_SECOND_VERB = re.compile(r" (?:et|ou|puis|mais) (?P<verb>(?:se |s')?[a-zà-ÿ]+)\b")


def read_cause(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    for pattern, key, wh in ((_CAUSE, "cause", "Pourquoi"), (_PURPOSE, "purpose", "Dans quel but")):
        match = pattern.fullmatch(said)
        clause = parse(match["effect"].strip(" ,")) if match else None
        if (
            match is None
            or clause is None
            or VAGUE.search(match["effect"])
            or word_count(match[key]) > MAX_BACK_WORDS
        ):
            continue
        if key == "purpose" and not _is_purpose(clause, match[key]):
            continue
        cause = re.sub(r"^car ", "parce que ", match[key].strip(), flags=re.IGNORECASE)
        cause = re.sub(r"^parce que (?=[aeiouéèêhAEIOUÉ])", "parce qu'", cause)
        yield Fact(
            line, ask(wh, clause, view), capitalise(cause), Sort.CLAUSE, 0.95 if key == "cause" else 0.75
        )
        return


def _is_purpose(clause: Clause, purpose: str) -> bool:
    """`Afin de` always is one; `pour` only where somebody acts, and not for what was done before."""
    return purpose.startswith("afin") or (is_person(clause.subject) and not purpose.startswith("pour avoir"))


def read_date(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    if len(_ANY_YEAR.findall(line.said)) != 1:
        return
    lead = _WHEN.fullmatch(clause.lead)
    second = _SECOND_VERB.search(clause.rest)
    end = second.start() if second and is_verb(second["verb"]) else len(clause.rest)
    inside = _WHEN.search(clause.rest, 0, end)
    if lead is not None:
        date, rest = lead["date"], clause.rest[:end]
        clause = clause._replace(lead="")
    elif inside is not None:
        date = inside["date"]
        rest = (clause.rest[: inside.start()] + clause.rest[inside.end() : end]).strip()
    else:
        return
    wh = "En quelle année" if date.isdigit() else "À quelle date" if date[0].isdigit() else "Quand"
    rest = re.split(r", (?:puis|et|avant|après|mais)\b", cut(rest))[0]
    asked = ask(wh, clause._replace(rest=rest), view)
    if not VAGUE.search(asked.replace("est-ce que", "").replace("est-ce qu'", "")):
        yield Fact(line, asked, date, Sort.YEAR if date.isdigit() else Sort.DATE, 0.85)


def read_place(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHERE.match(clause.predicate)
    if match is None or VAGUE.search(match["place"]):
        return
    asked = f"Où {match['verb']} {name_of(clause.subject, view)} ?"
    yield Fact(line, asked, capitalise(cut(match["place"])), Sort.CLAUSE, 0.8)


def read_agent(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Qu'est-ce qui absorbe …` or `Qui …`: the subject is the answer."""
    verb = clause.verb.lower()
    predicate = f"{clause.clitic}{clause.verb} {cut(clause.rest)}"
    is_plural = BE[verb] if verb in BE else FORMS[verb].is_plural
    is_noun_after_be = verb in BE and not re.match(
        r"[\w-]+(?:é|ée|i|ie|is|ise|it|ite|u|ue|ert|erte)\b", clause.rest
    )
    if (
        is_plural
        or is_noun_after_be
        or (clause.clitic and verb.startswith("appel"))
        or len(set(content_words(predicate))) < 3
        or word_count(predicate) > 18
        or VAGUE.search(predicate)
        or re.search(r"\b(?:il|elle|ils|elles|son|sa|ses|leur|leurs)\b", predicate)
        or word_count(clause.subject) > 7
        or clause.subject.split()[-1].lower() in HOLLOW
        or ":" in predicate
    ):
        return
    who = is_person(clause.subject, f"{clause.verb} {clause.rest}") or clause.subject in view.surnames
    acts = who or bool(set(clause.subject.lower().replace("'", " ").split()) & INSTITUTIONS)
    lead = f" {lower_lead(clause.lead)}" if clause.lead else ""
    if VAGUE.search(lead):
        return
    asked = ("Qui" if acts else "Qu'est-ce qui") + f" {predicate}{lead} ?"
    yield Fact(
        line,
        asked,
        capitalise(clause.subject),
        Sort.NAME if who else sort_of(clause.subject, view),
        0.8 if who else 0.6,
    )


def read_object(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Que produit … ?`: the object is the answer."""
    target = cut(clause.rest)
    second = _SECOND_VERB.search(target)
    if second and is_verb(second["verb"]):
        target = target[: second.start()]
    found = TOKEN.findall(target.lower())
    if (
        clause.verb.lower() in BE
        or clause.verb.lower() in ("a", "ont", "peut", "peuvent", "doit", "doivent", "avait", "avaient")
        or clause.clitic
        or not found
        or found[0].rstrip("'") not in DETERMINERS - {"de", "d", "du", "au", "aux", "deux", "trois"}
        or not 2 <= len(set(content_words(target))) <= 10
        or VAGUE.search(target)
        or re.search(r"\d", target)
        or (clause.lead and not _WHEN.fullmatch(clause.lead))
    ):
        return
    lead = f" {lower_lead(clause.lead)}" if clause.lead else ""
    yield Fact(
        line,
        elide(f"Que {clause.verb} {name_of(clause.subject, view)}{lead} ?"),
        capitalise(target),
        Sort.CLAUSE,
        0.65,
    )
