"""Facts about an event: why, for what purpose, when and where it happened, who did it, and to what."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.facts import MAX_BACK_WORDS, AnswerType, Fact, capitalise, decapitalise
from shared.adapters.offline.french.clauses import Clause, ask, cut, elide, parse, without_second_verb
from shared.adapters.offline.french.lexicon import BE, DETERMINERS, FORMS, INSTITUTIONS, MONTHS
from shared.adapters.offline.french.nouns import (
    TOKEN,
    UNSPECIFIC_NOUNS,
    VAGUE,
    is_person,
    is_term,
    name_of,
)
from shared.domain.text.words import content_words, listed

_CAUSE = re.compile(
    r"(?P<effect>.{15,160}?),? (?P<reason>(?:parce que|parce qu'|car |puisque |puisqu'|en raison d|à cause d).{8,})",
    re.IGNORECASE,
)
_PURPOSE = re.compile(r"(?P<effect>.{15,160}?),? (?P<reason>(?:afin de|afin d'|pour) ?\w+(?:er|ir|re)\b.*)")
_DATE = rf"(?:(?:\d{{1,2}}(?:er)? )?(?:{MONTHS}) )?(?:1\d{{3}}|20\d\d)"
_WHEN = re.compile(rf"\s?,?\b(?:[Ee]n|[Ll]e|[Dd]ès|[Dd]epuis) (?P<date>{_DATE})\b(?! (?:à|et|ou)\b)")
_ANY_YEAR = re.compile(r"\b(?:1\d{3}|20\d\d)\b(?! (?:kilo|mèt|deg|lit|mil|ton|ans|%))")
_WHERE = re.compile(
    r"(?P<verb>se déroulent|se déroule|a lieu|ont lieu|se trouvent|se trouve|se situent|se situe|est située?|sont située?s|vit|vivent) "
    r"(?P<place>(?:principalement |surtout )?(?:dans|à|au|aux|sur|sous|entre|en|au-dessus|le long) .+)"
)


def read_cause(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """The cause or the purpose of an event."""
    for pattern, wh, worth in ((_CAUSE, "Pourquoi", 0.95), (_PURPOSE, "Dans quel but", 0.75)):
        match = pattern.fullmatch(text)
        if match is None or VAGUE.search(text) or _NO_MAIN_CLAUSE.search(match["effect"]):
            continue
        effect, reason = match["effect"].strip(" ,"), match["reason"].strip()
        clause = parse(effect)
        is_fit = pattern is _CAUSE or (clause is not None and _is_purpose(clause, reason))
        if is_fit and word_count(reason) <= MAX_BACK_WORDS:
            asked = ask(wh, clause, view) if clause else elide(f"{wh} est-ce que {name_of(effect, view)} ?")
            yield Fact(line, asked, _because(reason), AnswerType.CLAUSE, worth)
            return
    match = _CAUSED.fullmatch(text)
    if match and is_term(match["effect"]) and not VAGUE.search(match["cause"]):
        effect = name_of(match["effect"], view)
        asked = f"Qu'est-ce qui {_ACTIVE[match['verb'][:4]]} {effect} ?"
        cause = re.sub(r"^les\b", "les", cut(match["cause"]))
        yield Fact(line, asked, capitalise(cause), AnswerType.CLAUSE, 0.9)


_CAUSED = re.compile(
    r"(?P<effect>[^,;:]{4,70}?) (?:est|sont) (?:principalement |surtout |souvent |généralement )?(?P<verb>causée?s?|provoquée?s?|produite?s?|déclenchée?s?) par (?P<cause>(?:les?|la|l'|une?|des) ?.{6,})"
)
_ACTIVE = {"caus": "cause", "prov": "provoque", "prod": "produit", "décl": "déclenche"}
_NO_MAIN_CLAUSE = re.compile(
    r"\A(?:en|dans|à|au|aux|par|pour|avec|sans|si|quand|lorsque|comme|bien|sur|sous|c|[a-zà-ÿ]+ant|[a-zà-ÿ]+ment,)\b|^[a-zà-ÿ]+ment, |, (?:et|mais|donc)\b| (?:que|en partie|notamment|surtout|simplement|pas)\Z",
    re.IGNORECASE,
)


def _because(reason: str) -> str:
    """The reason as an answer, which cannot begin with `car`."""
    reason = re.sub(r"^car ", "parce que ", reason, flags=re.IGNORECASE)
    return capitalise(re.sub(r"^(parce )que (?=[aeiouéèêhAEIOUÉ])", r"\1qu'", reason))


def _is_purpose(clause: Clause, purpose: str) -> bool:
    """Whether the clause has a purpose: `afin de` always, and `pour` only if a person acts and no earlier action follows."""
    return purpose.startswith("afin") or (is_person(clause.subject) and not purpose.startswith("pour avoir"))


def read_date(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    if len(_ANY_YEAR.findall(line.text)) != 1 or "jusqu" in line.text:
        return
    lead = _WHEN.fullmatch(clause.lead)
    end = len(without_second_verb(clause.rest))
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
        yield Fact(line, asked, date, AnswerType.YEAR if date.isdigit() else AnswerType.DATE, 0.85)


def read_place(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHERE.match(clause.predicate)
    if match is None or VAGUE.search(match["place"]):
        return
    asked = f"Où {match['verb']} {name_of(clause.subject, view)} ?"
    yield Fact(line, asked, capitalise(cut(match["place"])), AnswerType.CLAUSE, 0.8)


def read_agent(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Qui découvre …`: the subject, a person or an institution, is the answer."""
    predicate = f"{clause.clitic}{clause.verb} {cut(clause.rest)}"
    lead = f" {decapitalise(clause.lead)}" if clause.lead else ""
    who = is_person(clause.subject, f"{clause.verb} {clause.rest}") or clause.subject in view.surnames
    is_dated = _WHEN.fullmatch(clause.lead) is not None
    acts = who or (
        (is_dated or clause.subject in view.names)
        and bool(set(clause.subject.lower().replace("'", " ").split()) & INSTITUTIONS)
    )
    is_named = any(word[:1].isupper() for word in clause.subject.split()[1:] or [clause.subject])
    is_passive = clause.verb.lower() in BE
    if (
        acts
        and is_named
        and not is_passive
        and _identifies_subject(clause, predicate)
        and not VAGUE.search(lead)
    ):
        yield Fact(line, f"Qui {predicate}{lead} ?", capitalise(clause.subject), AnswerType.NAME, 0.8)


def _identifies_subject(clause: Clause, predicate: str) -> bool:
    """Whether a learner can name the subject from the predicate alone."""
    verb = clause.verb.lower()
    is_plural = BE[verb] if verb in BE else FORMS[verb].is_plural
    is_noun_after_be = verb in BE and not _PARTICIPLE.match(clause.rest)
    return not (
        is_plural
        or is_noun_after_be
        or (clause.clitic and verb.startswith("appel"))
        or ":" in predicate
        or clause.subject.split()[-1].lower() in UNSPECIFIC_NOUNS
        or word_count(clause.subject) > _LONGEST_SUBJECT
        or word_count(predicate) > _LONGEST_PREDICATE
        or len(set(content_words(predicate))) < _FEWEST_CONTENT_WORDS
        or VAGUE.search(predicate)
        or re.search(r"\b(?:il|elle|ils|elles|son|sa|ses|leur|leurs)\b", predicate)
    )


def read_object(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Que produit … ?`: the object is the answer."""
    target = without_second_verb(cut(clause.rest))
    is_told = clause.verb.lower() in _TELLING and not clause.clitic and not clause.lead
    if not is_told or not is_term(clause.subject) or not _is_object(target):
        return
    asked = elide(f"Que {clause.verb} {name_of(clause.subject, view)} ?")
    yield Fact(line, asked, capitalise(target), AnswerType.CLAUSE, 0.65)


def _is_object(text: str) -> bool:
    """Whether the text is a noun phrase that is worth asking for."""
    first = next((token.rstrip("'") for token in TOKEN.findall(text.lower())), "")
    return (
        first in _BEFORE_OBJECT
        and 2 <= len(set(content_words(text))) <= _MOST_CONTENT_WORDS
        and VAGUE.search(text) is None
        and re.search(r"\d", text) is None
    )


_PARTICIPLE = re.compile(r"[\w-]+(?:é|ée|i|ie|is|ise|it|ite|u|ue|ert|erte)\b")
_LONGEST_SUBJECT, _LONGEST_PREDICATE = 7, 18
"""Limits in words."""
_FEWEST_CONTENT_WORDS, _MOST_CONTENT_WORDS = 3, 10
_TELLING = frozenset(
    listed("""absorbe absorbent capte captent contient contiennent produit produisent fabrique fabriquent libère libèrent rejette rejettent
    stocke stockent transporte transportent transforme transforment sécrète sécrètent protège protègent régule régulent contrôle
    contrôlent mesure mesurent émet émettent filtre filtrent fournit fournissent abolit instaure proclame interdit garantit
    dégage dégagent renferme renferment synthétise synthétisent convertit convertissent génère génèrent reçoit reçoivent apporte apportent""")
)
"""Verbs whose object says what a thing does."""
_BEFORE_OBJECT = DETERMINERS - set(listed("de d du au aux deux trois"))
