"""What a French sentence says, asked in French."""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.adapters.offline.facts import MAX_BACK_WORDS, Fact, Sort, capitalise
from shared.adapters.offline.lexicon_fr import (
    ANAPHORS,
    BE,
    CONNECTIVES,
    DETERMINERS,
    FORMS,
    INSTITUTIONS,
    MONTHS,
    PERSONS,
    PREPOSITIONS,
    SUPERLATIVE,
)
from shared.adapters.offline.source import Line, SourceView, without_asides, word_count
from shared.domain.words import content_words, fold, listed, stem

_CONNECTIVE = re.compile(rf"(?:{CONNECTIVES}),? (?=\w)", re.IGNORECASE)
_LEAD = re.compile(
    r"((?:En|Dans|À|Au|Aux|Sur|Sous|Pendant|Durant|Après|Avant|Depuis|Lors|Lorsque|Lorsqu'|Quand|Si|Sans|Avec|Pour|Par|Chez|Vers|"
    r"Entre|Au-delà|Il y a|Le \d+(?:er)?|Dès)\b[^,]{1,80}), (?=\w)"
)
_PARTICIPLE_LEAD = re.compile(
    r"^[A-ZÀ-Þ][a-zà-ÿ]+(?:és?|ées?|us?|is?|ant)\b(?! est| sont)[^,]{0,70}, (?=(?:[A-ZÀ-Þ]|l[ea]s? |l'|une? ))"
)
_FILLER = re.compile(r" (?:ensuite|alors|donc|aussi|également|probablement)(?= )")
_TOKEN = re.compile(r"\w+'|[\w-]+")
VAGUE = re.compile(
    r"\b(?:ce|cet|cette|ces|cela|ça|celui-ci|celle-ci|ceux-ci|ci-dessus|ci-dessous|suivante?s?|précédente?s?|ici|y|plus tard|lendemain|auparavant|veille)\b",
    re.IGNORECASE,
)
_DEFINING = re.compile(
    r"(?P<term>[^,;:]{2,70}?) (?:(?P<be>est|sont|était|étaient|fut|furent) (?:donc |ainsi |aussi |probablement )?|désigne(?P<plural>nt)? |se définit comme |"
    r"correspond à |signifie |est défini(?:e)? comme )(?P<meaning>(?:une?|des?|les?|la|l'|l’|tou(?:te|t)|de) ?.+)"
)
_APPOSED = re.compile(
    r"(?P<term>(?:(?:la|le|les|l'|La|Le|Les|L') ?)?[\w-]+(?:(?: d'| de l'| du | de la | de | des | )[\w-]+){0,3}), (?P<id>c'est-à-dire )?"
    r"(?P<meaning>(?:une?|le|la|l'|les) ?[^,;:()]{10,140})(?=[,.;]|$)"
)
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
_SERVES = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<verb>sert|servent) (?P<use>à .+)")
_DEPENDS = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<verb>dépend|dépendent) (?P<what>(?:de|du|des|d') ?.+)")
_MADE_OF = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<verb>se compose|se composent|est composée?|sont composée?s|est constituée?|sont constituée?s|est formée?) (?P<parts>(?:de|du|des|d') ?.+)"
)
_CALLED = re.compile(
    r"(?P<what>On appelle) (?P<term>(?:[\w'-]+ ?){1,4}?) (?P<meaning>(?:une?|le|la|les|l'|des|tout|toute) ?.+)"
)
_CLAUSE_END = re.compile(
    r"(?:,? (?:parce que|parce qu'|car|puisque|lorsque|lorsqu'|quand|tandis que|alors que|afin de|afin d'|avant de|avant d'|après)\b"
    r"|, (?:qui|où|dont|mais|ce qui|notamment|avec|puis|avant)\b|;| – | — |, (?!(?:et|ou) )(?![\w' -]{1,40}(?:,| et | ou )))"
)
_DEFINITION_END = re.compile(
    r",? (?:parce que|parce qu'|car|puisque|tandis que|alors que)\b|;| : | – | — |, (?:mais|et (?:ils?|elles?)|notamment|soit|donc|ce qui) "
)
_LONG_DEFINITION = 28
_NEW_CLAUSE = re.compile(r"([^,;]{8,}?), (?:et|ou|mais) ")
_SECOND_VERB = re.compile(r" (?:et|ou|puis|mais) (?P<verb>(?:se |s')?[a-zà-ÿ]+)\b")
_MASCULINE, _FEMININE = ("le ", "un ", "ce "), ("la ", "une ", "cette ")
_VOWEL = re.compile(r"[aeiouyhâàéèêëîïôûœ]", re.IGNORECASE)


class Clause(NamedTuple):
    """A simple statement, taken apart."""

    lead: str
    subject: str
    clitic: str
    """`se ` or `s'`, or nothing."""
    verb: str
    rest: str

    @property
    def predicate(self) -> str:
        return f"{self.clitic}{self.verb} {self.rest}".strip()


def read_facts(line: Line, view: SourceView) -> Iterator[Fact]:
    """Every fact a rule finds in one sentence that stands on its own."""
    said = _PARTICIPLE_LEAD.sub(
        "", _FILLER.sub("", without_connective(without_asides(line.said)).rstrip(" .!"))
    )
    said = capitalise(said)
    yield from _apposed(said, line, view)
    yield from _called(said, line, view)
    first = said.replace("'", "' ").split()[0].lower()
    if (
        first in ANAPHORS
        or first.rstrip("'") in ("c", "qu")
        or said.startswith(("Comme ", "Que ", "Comment "))
    ):
        return
    yield from _definition(said, line, view)
    yield from _uses(said, line, view)
    yield from _cause(said, line, view)
    if (clause := parse(said)) is not None:
        yield from _date(clause, line, view)
        yield from _place(clause, line, view)
        yield from _agent(clause, line, view)
        yield from _object(clause, line, view)


def without_connective(said: str) -> str:
    """Without the `mais` or `en effet` that ties it to the sentence before."""
    match = _CONNECTIVE.match(said)
    return capitalise(said[match.end() :]) if match else said


def parse(said: str) -> Clause | None:
    """Subject, verb and rest of a statement whose verb is known; None when it is not that simple."""
    lead = _LEAD.match(said)
    body = said[lead.end() :] if lead else said
    previous, before = "", 0
    for index, token in enumerate(_TOKEN.finditer(body)):
        word = token[0].lower()
        if index > 12 or word in ("que", "qui", "dont", "où", "ne", "n'", "qu'"):
            return None
        if index and _is_finite(word, previous, body[token.end() :]):
            clitic = body[before : token.start()] if previous in ("se", "s'") else ""
            subject = body[: token.start() - len(clitic)].strip()
            rest = body[token.end() :].strip()
            return (
                Clause(lead[1] if lead else "", subject, clitic, token[0], rest)
                if _is_subject(subject)
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
    return previous in ("se", "s'") or form.is_plural == _is_plural_word(previous) or word in ("a", "ont")


def _is_plural_word(word: str) -> bool:
    return word.endswith(("s", "x"))


def _is_subject(said: str) -> bool:
    found = [word.lower().rstrip("'") for word in _TOKEN.findall(said)]
    return (
        0 < len(found) <= 11
        and not set(found)
        & (
            ANAPHORS
            - {"leur", "leurs", "en", "son", "sa", "ses", "on", "vous", "nous", "y", "certains", "certaines"}
        )
        and (found[0] not in PREPOSITIONS or found[0] in ("la", "l", "le", "les", "des"))
        and "," not in said
        and not (
            found[0].endswith(("er", "ir", "re"))
            and found[0] in said.split()[0].lower()
            and said.split()[0].lower() not in DETERMINERS
            and len(found) > 1
            and found[1] in DETERMINERS
        )
        and (bool(content_words(said)) or len(found) == _ARTICLE_AND_NOUN)
    )


_ARTICLE_AND_NOUN = 2
"""`un son`: the noun looks like a possessive."""


def name_of(subject: str, view: SourceView) -> str:
    """The noun phrase as it stands within a question: without its capital unless it is a name."""
    first = re.split(r"[ ']", subject, maxsplit=1)[0]
    if first.lower() in DETERMINERS:
        return first.lower() + subject[len(first) :]
    if first in view.names or stem(fold(first)) not in view.plain_stems:
        return subject
    return first.lower() + subject[len(first) :]


def is_person(said: str, evidence: str = "") -> bool:
    """Whether somebody is meant: a trade says it, or a full name next to a trade."""
    if {word.lower() for word in _TOKEN.findall(said)} & PERSONS:
        return True
    words_said = said.split()
    is_full_name = 1 < len(words_said) <= 4 and words_said[0][:1].isupper() and words_said[-1][:1].isupper()
    return (
        is_full_name
        and words_said[0].lower().rstrip("'") not in DETERMINERS
        and not said.startswith(("L'", "D'"))
        and (bool({word.lower() for word in _TOKEN.findall(evidence)[:12]} & (PERSONS | _HUMAN_DEEDS)))
    )


_HUMAN_DEEDS = frozenset(
    listed(
        "découvre découvert invente inventé publie publié écrit fonde fondé propose proposé observe observé constate constaté montre reçu peint "
        "composé compose dirige dirigé décide décidé démontre démontré formule formulé exécutée exécuté guillotiné né née tente calcule"
    )
)


def sort_of(said: str, view: SourceView) -> Sort:
    """A name when the source capitalises it in mid-sentence."""
    last = re.split(r"[ ']", said)[-1]
    return Sort.NAME if last in view.names or re.split(r"[ ']", said)[0] in view.names else Sort.TERM


def _definition(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _DEFINING.fullmatch(said)
    if match is None or not _is_subject(match["term"]) or _holds_verb(match["term"]):
        return
    meaning = _cut_definition(match["meaning"])
    if VAGUE.search(meaning) or not 3 <= word_count(meaning) <= MAX_BACK_WORDS:
        return
    term = name_of(match["term"], view)
    be = match["be"] or "est"
    if _is_unique(meaning) or (_is_bare_name(match["term"]) and not is_person(match["term"], meaning)):
        yield Fact(
            line,
            f"{_which(meaning, be)} {meaning} ?",
            capitalise(match["term"]),
            sort_of(match["term"], view),
            0.8,
        )
        return
    if meaning.startswith(("de ", "du ")):
        return
    asked = f"Qui {be} {term} ?" if is_person(match["term"], meaning) else _what_is(term, match["term"])
    yield Fact(line, _elide(asked), capitalise(meaning), Sort.CLAUSE, 1.0, topic=match["term"])


def _is_unique(meaning: str) -> bool:
    return re.match(rf"{SUPERLATIVE}|l[ea] [\w-]+ l[ea] (?:plus|moins) ", meaning) is not None


def _is_bare_name(term: str) -> bool:
    """Whether it has no article, as `Paris` has none: the description asks, the name answers."""
    return re.split(r"[ ']", term)[0].lower() not in DETERMINERS and len(term.split()) <= 3


def _what_is(term: str, written: str) -> str:
    return f"Que sont {term} ?" if written.lower().startswith(("les ", "des ")) else f"Qu'est-ce que {term} ?"


def _which(meaning: str, be: str) -> str:
    """`Quel est le plus …`, `Quelle est la plus …`; `Qu'est-ce qui est l'…` where the gender does not show."""
    if meaning.startswith("la "):
        return f"Quelle {be}"
    if meaning.startswith("le "):
        return f"Quel {be}"
    return "Qu'est-ce qui est"


def _holds_verb(term: str) -> bool:
    found = [word.lower() for word in _TOKEN.findall(term)]
    return any(
        word in BE
        or (
            word in FORMS
            and previous.rstrip("'") not in DETERMINERS | PREPOSITIONS
            and FORMS[word].is_plural == _is_plural_word(previous)
        )
        for previous, word in itertools.pairwise(found)
    )


def _apposed(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    lead = _LEAD.match(said)
    for match in _APPOSED.finditer(said, lead.end() if lead else 0):
        term, meaning = _noun_phrase(match["term"]), match["meaning"]
        if (
            term is None
            or said[match.end() :].lstrip(", ").startswith(("et ", "ou "))
            or word_count(meaning) < 4
            or VAGUE.search(meaning)
            or re.match(r"(?:une?|les?|la|l') ?[\w-]+ (?:et|ou|est|sont)\b", meaning)
            or (match["id"] is None and parse(capitalise(meaning)) is not None)
            or not _agree(term, meaning)
        ):
            continue
        asked = f"Qui est {term} ?" if is_person(term, meaning) else _what_is(name_of(term, view), term)
        worth = 0.95 if match["id"] else 0.85
        yield Fact(line, _elide(asked), capitalise(meaning), Sort.CLAUSE, worth, topic=term)


def _agree(term: str, meaning: str) -> bool:
    """Whether both can be the same thing: number always, gender where both articles tell."""
    article, other = (re.split(r"[ ']", said.lower(), maxsplit=1)[0] for said in (term, meaning))
    if (article == "les") != (other in ("les", "des")):
        return False
    return {article, other} not in ({"le", "la"}, {"le", "une"}, {"la", "un"})


def _noun_phrase(said: str) -> str | None:
    """The last noun phrase with an article of its own, or a name; None when there is none to define."""
    articles = list(
        re.finditer(
            r"(?:^|(?<=[ ']))(?:(?P<de>de )?(?:la|le|les|l') ?|(?P<du>du )|(?P<au>au ))", said, re.IGNORECASE
        )
    )
    for article in articles:
        phrase = said[article.start() :]
        phrase = re.sub(r"^de (?=la|le|les|l')", "", phrase)
        phrase = re.sub(r"^(?:du|au) ", "le ", phrase)
        if len(phrase.split()) <= 5 and not _holds_verb(phrase):
            return phrase
    return said if all(word[:1].isupper() for word in said.split()) and len(said.split()) <= 3 else None


def _called(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _CALLED.fullmatch(said)
    if match and not VAGUE.search(match["meaning"]) and word_count(match["meaning"]) <= MAX_BACK_WORDS:
        yield Fact(
            line,
            f"Comment appelle-t-on {match['meaning']} ?",
            capitalise(match["term"].strip()),
            Sort.TERM,
            0.95,
        )


def _uses(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
    for pattern, question, key, worth in (
        (_SERVES, "À quoi {verb} {term} ?", "use", 0.85),
        (_DEPENDS, "De quoi {verb} {term} ?", "what", 0.75),
        (_MADE_OF, "De quoi {verb} {term} ?", "parts", 0.85),
    ):
        match = pattern.fullmatch(said)
        if match is None or not _is_subject(match["term"]) or _holds_verb(match["term"]) or ":" in match[key]:
            continue
        answer = _cut(match[key])
        if not VAGUE.search(answer) and 2 <= word_count(answer) <= MAX_BACK_WORDS:
            asked = question.format(verb=match["verb"], term=name_of(match["term"], view))
            yield Fact(line, asked, capitalise(answer), Sort.CLAUSE, worth)


def _cause(said: str, line: Line, view: SourceView) -> Iterator[Fact]:
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
            line, _ask(wh, clause, view), capitalise(cause), Sort.CLAUSE, 0.95 if key == "cause" else 0.75
        )
        return


def _is_purpose(clause: Clause, purpose: str) -> bool:
    """`Afin de` always is one; `pour` only where somebody acts, and not for what was done before."""
    return purpose.startswith("afin") or (is_person(clause.subject) and not purpose.startswith("pour avoir"))


def _date(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    if len(_ANY_YEAR.findall(line.said)) != 1:
        return
    lead = _WHEN.fullmatch(clause.lead)
    second = _SECOND_VERB.search(clause.rest)
    end = second.start() if second and _is_verb(second["verb"]) else len(clause.rest)
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
    rest = re.split(r", (?:puis|et|avant|après|mais)\b", _cut(rest))[0]
    asked = _ask(wh, clause._replace(rest=rest), view)
    if not VAGUE.search(asked.replace("est-ce que", "").replace("est-ce qu'", "")):
        yield Fact(line, asked, date, Sort.YEAR if date.isdigit() else Sort.DATE, 0.85)


def _place(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _WHERE.match(clause.predicate)
    if match is None or VAGUE.search(match["place"]):
        return
    asked = f"Où {match['verb']} {name_of(clause.subject, view)} ?"
    yield Fact(line, asked, capitalise(_cut(match["place"])), Sort.CLAUSE, 0.8)


def _agent(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Qu'est-ce qui absorbe …` or `Qui …`: the subject is the answer."""
    verb = clause.verb.lower()
    predicate = f"{clause.clitic}{clause.verb} {_cut(clause.rest)}"
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
        or clause.subject.split()[-1].lower() in _HOLLOW
        or ":" in predicate
    ):
        return
    who = is_person(clause.subject, f"{clause.verb} {clause.rest}") or clause.subject in view.surnames
    acts = who or bool(set(clause.subject.lower().replace("'", " ").split()) & INSTITUTIONS)
    lead = f" {_lower_lead(clause.lead)}" if clause.lead else ""
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


def is_hollow(said: str) -> bool:
    """Whether a noun phrase names nothing by itself: `le reste`, `deux planètes`, `plusieurs rois`."""
    found = [word.lower().rstrip("'") for word in _TOKEN.findall(said)]
    articles = {"le", "la", "l", "les", "un", "une", "des"}
    return bool(set(found[:3]) & _HOLLOW) or found[0] in DETERMINERS - articles or found[0].isdigit()


_HOLLOW = frozenset(
    listed(
        "reste résultat résultats processus nombre quantité niveau partie type exemple manière chose valeur héritage rôle intensité"
    )
)
"""Subjects that nobody could name from the question alone."""


def _object(clause: Clause, line: Line, view: SourceView) -> Iterator[Fact]:
    """`Que produit … ?`: the object is the answer."""
    target = _cut(clause.rest)
    second = _SECOND_VERB.search(target)
    if second and _is_verb(second["verb"]):
        target = target[: second.start()]
    found = _TOKEN.findall(target.lower())
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
    lead = f" {_lower_lead(clause.lead)}" if clause.lead else ""
    yield Fact(
        line,
        _elide(f"Que {clause.verb} {name_of(clause.subject, view)}{lead} ?"),
        capitalise(target),
        Sort.CLAUSE,
        0.65,
    )


def _ask(wh: str, clause: Clause, view: SourceView) -> str:
    """The clause as a question: with `-t-il`/`-t-elle` where the article tells the gender, else with `est-ce que`."""
    subject = name_of(clause.subject, view)
    lead = f" {_lower_lead(clause.lead)}" if clause.lead else ""
    rest = f" {clause.rest}" if clause.rest else ""
    pronoun = "il" if subject.startswith(_MASCULINE) else "elle" if subject.startswith(_FEMININE) else ""
    if pronoun:
        link = "-t-" if clause.verb[-1] in "aec" else "-"
        return f"{wh} {subject} {clause.clitic}{clause.verb}{link}{pronoun}{rest}{lead} ?"
    return _elide(f"{wh} est-ce que {subject} {clause.clitic}{clause.verb}{rest}{lead} ?")


def _elide(said: str) -> str:
    """`que un` is `qu'un`; before an aspirated or mute h nobody can tell, so it is left."""
    return re.sub(r"\b([Qq])ue (?=[aeiouâàéèêëîïôûœAEIOUÉÈ])", r"\1u'", said)


def _is_verb(word: str) -> bool:
    bare = re.sub(r"^(?:se |s')", "", word)
    return bare in FORMS or bare in BE or bare.endswith(("ée", "és", "ées"))


def _lower_lead(lead: str) -> str:
    return lead[:1].lower() + lead[1:]


def _cut_definition(said: str) -> str:
    """A definition keeps its conditions, as long as it can be remembered."""
    end = _DEFINITION_END.search(said)
    whole = said[: end.start()] if end else said
    return whole if word_count(whole) <= _LONG_DEFINITION else _cut(said)


def _cut(said: str) -> str:
    """Up to where the next clause begins; the whole when nothing sensible would be left."""
    if new_clause := _NEW_CLAUSE.match(said):
        return new_clause[1]
    end = _CLAUSE_END.search(said)
    cut = said[: end.start()] if end and word_count(said[: end.start()]) >= 2 else said
    return cut.strip(" ,")
