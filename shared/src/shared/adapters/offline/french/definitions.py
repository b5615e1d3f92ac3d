"""Facts about what something is, how it is called, what it is made of, and what it serves or depends on."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.facts import MAX_BACK_WORDS, AnswerType, Fact, capitalise
from shared.adapters.offline.french.clauses import cut, cut_definition, elide, parse, without_second_verb
from shared.adapters.offline.french.lexicon import PERSONS
from shared.adapters.offline.french.nouns import (
    VAGUE,
    answer_type_of,
    is_bare_name,
    is_person,
    is_term,
    is_unique,
    name_of,
)
from shared.domain.text.words import content_words

_FIELD = r"(?:(?P<field>En [a-zà-ÿ' -]{3,30}), )?"
_DEFINING = re.compile(
    rf"{_FIELD}(?P<term>[^,;:]{{2,70}}?) (?:(?P<be>est|sont|était|étaient|fut|furent) (?:donc |ainsi |aussi |probablement )?|désigne(?P<plural>nt)? |se définit comme |"
    r"correspond à |signifie |est défini(?:e)? comme )(?P<meaning>(?:une?|des?|les?|la|l'|l’|tou(?:te|t)|de) ?.+)"
)
_NO_KIND = re.compile(
    r"(?:(?:une?|des?|les?|la|l') ?)?(?:très |plus |moins |aussi |le plus )?(?:même|mêmes|autre|autres|résultat|raison|cas|fait|façon|manière|premi[eè]re?s?|deuxième|second|seconde|dernier"
    r"|dernière|exemple|exemples|essentiel|essentielle|bon|bonne|grand|grande|petit|petite|simple|utile|question|sujet|thème|problème|défi|nombre|variété|moment|jour|années?|lieu|partie|parties|sorte|type|types|forme|différence"
    r"|suivante?s?|source|fraction|mot|nom|titre|terme|point|majorité|plupart|reste|capables?|susceptibles?|souvent|toujours|tout|toute|tous|composante|élément|éléments|occasion|temps|bien|mieux|ce|celui|celle|ceux|valeur|objet|idée)\b"
)
"""Beginnings of a predicate that says something about a thing, but not what it is."""
_APPOSED = re.compile(
    r"(?P<term>(?:(?:[Ll]a|[Ll]e|[Ll]es) |[Ll]')[A-ZÀ-Þ][\w-]+(?:(?: d'| de l'| du | de la | de | des | )[\w-]+){0,2}), (?P<id>c'est-à-dire )?"
    r"(?P<meaning>une? [^,;:()]{20,140})(?=[.;]|\Z|, (?:est|sont|a|ont|fut|était|se|s'|permet|[a-zà-ÿ]+(?:e|ent|it|a|èrent)\b))"
)
_SERVES = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<verb>sert|servent) (?P<use>à .+)")
_RELATED = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<verb>(?:est|sont|était|étaient|fut|furent) (?:principalement |surtout |généralement |souvent )?"
    r"(?:régulée?s?|contrôlée?s?|protégée?s?|entourée?s?|gouvernée?s?|dirigée?s?|transmise?s?|transportée?s?|remplacée?s?|suivie?s?|limitée?s?|caractérisée?s?|dérivée?s?|issue?s?|tirée?s?|extraite?s?|recouverte?s?"
    r"|divisée?s?|transformée?s?|convertie?s?|mesurée?s?|exprimée?s?|reliée?s?|associée?s?|attribuée?s?|liée?s?|due?s?|soumise?s?)) (?P<prep>par|de la|de l'|des|du|de|d'|en|aux|au|à(?! travers| partir| cause| savoir| la suite))(?: |(?<='))(?P<use>.+)"
)
_KNOWN_FOR = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<verb>(?:est|sont|était|étaient) (?:célèbres?|connue?s?|réputée?s?)) (?P<use>pour .+)"
)
_PREPOSITIONS = {
    "par": "Par", "en": "En", "à": "À", "au": "À", "aux": "À", "de": "De", "d'": "De", "du": "De", "des": "De", "de la": "De", "de l'": "De",
}  # fmt: skip
_ALLOWS = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<verb>permet|permettent) (?P<use>(?:de |d')\w+(?:er|ir|re)\b.+)"
)
_DEPENDS = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<verb>dépend|dépendent) (?P<what>(?:de|du|des|d') ?.+)")
_MADE_OF = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<verb>se compose|se composent|est composée?|sont composée?s|est constituée?|sont constituée?s|est formée?) (?P<parts>(?:de|du|des|d') ?.+)"
)
_CALLED = re.compile(
    r"On (?:appelle|nomme) (?P<term>(?:« ?)?(?:[\w'-]+ ?){1,4}?(?: ?»)?) (?P<meaning>(?:une?|le|la|les|l'|des|tout|toute) ?.+)"
)
_KNOWN = (
    r"(?:aussi |également |souvent |parfois |généralement |communément )?(?:appelée?s?|nommée?s?|dénommée?s?)"
)
_IS_CALLED = re.compile(
    rf"(?P<meaning>[^,;:]{{8,110}}?),? (?:(?:est|sont|était|étaient) {_KNOWN}|s'appell(?:e|ent)|se nomm(?:e|ent)|porte(?:nt)? le nom (?:de |d'))\s?(?P<term>(?:« )?[^,;:()]{{3,45}})(?:,.*)?"
)
_ALIAS = re.compile(
    rf"(?P<term>[^,;:()]{{3,50}})(?:, | \()(?:{_KNOWN}|ou|encore) (?P<name>[^,;:()]{{3,40}})(?:, |\) )(?:est|sont|désigne|désignent)\b"
)
ALIAS = re.compile(
    r"\A([^,;:()]{3,50}), (?:ou|ou encore|aussi appelée?s?|également appelée?s?|appelée?s? aussi) [^,;:()]{3,40}, (est|sont|désigne|désignent)\b"
)
"""Another name between a term and its verb, which hides a definition."""
_NAME_END = re.compile(
    r" (?:parce|et|ou|qui|que|dont|par|dans|lorsque|quand|si|pour|en|à|sur|car|mais|où|avec|au|aux|lors) "
)


_BEST = re.compile(
    r"(?P<what>(?P<article>Le|La) (?:plus|premi[eè]re?|derni[eè]re?|seule?|principale?|capitale) [^,;:]{4,60}?|(?P<other>Le|La) [\w-]+ (?:la|le) plus [^,;:]{4,60}?) (?P<be>est|était|fut) "
    r"(?P<name>(?:les? |la |l'|une? )?[\w'-]+(?: [\w'-]+){0,3})(?:,.*)?\Z"
)
"""The only thing of its kind, followed by the name."""


def read_best(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _BEST.match(text)
    if match and _is_only_one(match) and not VAGUE.search(match["what"]):
        which = "Quel" if (match["article"] or match["other"]) == "Le" else "Quelle"
        what = match["what"][0].lower() + match["what"][1:]
        yield Fact(line, f"{which} {match['be']} {what} ?", capitalise(match["name"]), AnswerType.TERM, 0.85)


def _is_only_one(best: re.Match[str]) -> bool:
    """The first or last of a row is worth asking for if it is somebody or something with a name."""
    is_of_a_row = re.match(r"(?:Le|La) (?:premi|derni|seul|princip)", best["what"]) is not None
    return not is_of_a_row or best["name"][:1].isupper()


def read_definition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _DEFINING.fullmatch(text)
    if match is None or not is_term(match["term"]):
        return
    meaning = cut_definition(match["meaning"])
    if VAGUE.search(meaning) or not 3 <= word_count(meaning) <= MAX_BACK_WORDS:
        return
    if not re.search(r"\b(?:qui|que|dont|où|lequel|laquelle)\b|qu'", meaning):
        meaning = without_second_verb(meaning)
    if re.search(r"\A(?:(?!qui|que|dont|qu').)*\b(?:n'|ne )", meaning):
        return  # the meaning goes on with the verb of another clause
    term = name_of(match["term"], view)
    be = match["be"] or "est"
    is_described = re.match(r"l[ea'] ?", meaning) is not None and is_bare_name(match["term"])
    if is_unique(meaning) or (is_described and not is_person(match["term"], meaning)):
        who = bool({word.lower() for word in meaning.split()[:3]} & PERSONS)
        asked = f"{'Qui' + ' ' + be if who else _which(meaning, be)} {re.split(', ', meaning)[0]} ?"
        yield Fact(line, asked, capitalise(match["term"]), answer_type_of(match["term"], view), 0.8)
        return
    if (
        meaning.startswith(("de ", "du "))
        or _NO_KIND.match(meaning)
        or word_count(meaning) < _SHORTEST_MEANING
    ):
        return
    if len(set(content_words(meaning)) - set(content_words(term))) < _FEWEST_NEW_WORDS:
        return
    asked = f"Qui {be} {term} ?" if is_person(match["term"], meaning) else _what_is(term, match["term"])
    asked = f"{match['field']}, {asked[0].lower()}{asked[1:]}" if match["field"] else asked
    yield Fact(line, elide(asked), capitalise(meaning), AnswerType.CLAUSE, 1.0, topic=match["term"])


def _what_is(term: str, written: str) -> str:
    return f"Que sont {term} ?" if written.lower().startswith(("les ", "des ")) else f"Qu'est-ce que {term} ?"


def _which(meaning: str, be: str) -> str:
    """`Quel est` or `Quelle est`, or `Qu'est-ce qui est` if the article does not show the gender."""
    if meaning.startswith("la "):
        return f"Quelle {be}"
    if meaning.startswith("le "):
        return f"Quel {be}"
    return "Qu'est-ce qui est"


def read_apposition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """`La Bastille, une prison royale, est prise le 14 juillet` says what the Bastille is."""
    match = _APPOSED.search(text)
    if match is None or not is_term(match["term"]):
        return
    term, meaning = match["term"], match["meaning"]
    is_clause = match["id"] is None and parse(capitalise(meaning)) is not None
    if is_clause or _NO_KIND.match(meaning) or not _can_be(term, meaning):
        return
    asked = f"Qui est {term} ?" if is_person(term, meaning) else _what_is(name_of(term, view), term)
    worth = 0.95 if match["id"] else 0.85
    yield Fact(line, elide(asked), capitalise(meaning), AnswerType.CLAUSE, worth, topic=term)


def _can_be(term: str, meaning: str) -> bool:
    """Whether the meaning can describe the term."""
    return (
        word_count(meaning) >= _SHORTEST_MEANING
        and VAGUE.search(meaning) is None
        and re.match(r"(?:une?|les?|la|l') ?[\w-]+ (?:et|ou|est|sont)\b", meaning) is None
        and _agree(term, meaning)
    )


_SHORTEST_MEANING, _FEWEST_NEW_WORDS = 4, 2
"""Limits in words. New are those that are not in the term itself."""


def _agree(term: str, meaning: str) -> bool:
    """Whether term and meaning agree in number and, if both articles show it, in gender."""
    article, other = (re.split(r"[ ']", text.lower(), maxsplit=1)[0] for text in (term, meaning))
    if (article == "les") != (other in ("les", "des")):
        return False
    return {article, other} not in ({"le", "la"}, {"le", "une"}, {"la", "un"})


def read_called(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """How a thing is called, which is the answer, and another name for a term."""
    for match in (_CALLED.fullmatch(text), _IS_CALLED.fullmatch(text)):
        if match is None or VAGUE.search(match["meaning"]) or word_count(match["meaning"]) > MAX_BACK_WORDS:
            continue
        name = _name(match["term"])
        what = name_of(match["meaning"], view)
        if 0 < len(name.split()) <= _LONGEST_NAME and _is_described(match["meaning"]):
            yield Fact(line, f"Comment appelle-t-on {what} ?", capitalise(name), AnswerType.TERM, 0.95)
            return
    alias = _ALIAS.match(text)
    if alias and is_term(alias["term"]):
        asked = f"Quel est l'autre nom {_of(name_of(alias['term'], view))} ?"
        yield Fact(line, asked, capitalise(_name(alias["name"])), AnswerType.TERM, 0.9)


def _of(name: str) -> str:
    """The name after `de`, which joins with an article."""
    if name.startswith("le "):
        return "du " + name[3:]
    if name.startswith("les "):
        return "des " + name[4:]
    return ("d'" if name[:1].lower() in "aeiouéèêhâîœ" else "de ") + name


_LONGEST_NAME = 5


def _name(text: str) -> str:
    """The name without quotation marks, and without what follows it."""
    return _NAME_END.split(re.sub(r"[\"“”«»]", "", text).strip())[0].strip()


def _is_described(what: str) -> bool:
    """Whether a thing can be named from its description."""
    return (
        len(set(content_words(what))) > 1
        and re.match(r"(?:Les?|La|L'|Une?|Des|Tout)\b", capitalise(what)) is not None
    )


def _after(preposition: str, answer: str) -> str:
    """The answer with its preposition, which `par` and `en` leave out."""
    if preposition in ("", "par", "en"):
        return answer
    return f"{preposition}{'' if preposition.endswith(chr(39)) else ' '}{answer}"


def read_use(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    for pattern, question, key, worth in (
        (_SERVES, "À quoi {verb} {term} ?", "use", 0.85),
        (_DEPENDS, "De quoi {verb} {term} ?", "what", 0.75),
        (_RELATED, "{prep} quoi {verb} {term} ?", "use", 0.75),
        (_KNOWN_FOR, "Pour quoi {verb} {term} ?", "use", 0.75),
        (_ALLOWS, "Que {verb} {term} ?", "use", 0.7),
        (_MADE_OF, "De quoi {verb} {term} ?", "parts", 0.85),
    ):
        match = pattern.fullmatch(text)
        if match is None or not is_term(match["term"]) or ":" in match[key]:
            continue
        answer = without_second_verb(cut(match[key]))
        if re.search(r" et (?:de |du |des |d'|à )", match[key][len(answer) :]):
            continue  # the list of parts goes on after a clause
        if not VAGUE.search(answer) and 2 <= word_count(answer) <= MAX_BACK_WORDS:
            prep = _PREPOSITIONS.get(match.groupdict().get("prep") or "", "")
            asked = question.format(prep=prep, verb=match["verb"], term=name_of(match["term"], view))
            answer = _after(match.groupdict().get("prep") or "", answer)
            yield Fact(line, asked, capitalise(answer), AnswerType.CLAUSE, worth)
