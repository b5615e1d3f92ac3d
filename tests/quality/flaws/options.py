"""Flaws of the options of a question, and of how they fit the stem."""

import re
from itertools import combinations

from tests.quality.flaws.cards import is_unsupported
from tests.quality.flaws.stem import is_negative, is_verdict
from tests.quality.item import LintedItem

from shared.domain.study.option_order import sizes_of
from shared.domain.study.option_rules import (
    answer_echoes_stem,
    distractor_in_quote,
    options_not_distinct,
    options_overlap,
)
from shared.domain.text.quantities import quantities
from shared.domain.text.words import ALL_STOP_WORDS, content_words, fold, listed, stem, words

LONGER, LONGER_CHARACTERS = 1.5, 12
"""A right option is the longest by far if it is this many times as long as the longest distractor, and this much longer."""
SAME_WORD = 6
"""First letters by which two forms of a word are recognised."""
ABSURD_RATIO = 1_000.0
"""Ratio of two quantities of one unit from which one of them is absurd."""

_NONE = re.compile(
    r"\A\W*none of\b|\A\W*no (?:option|answer|choice)\b|\A\W*aucune? (?:de|des)\b|\bnone (?:of )?(?:the )?(?:above|these|them|options|answers|others?)\b|\bneither of (?:the above|these)\b"
    r"|\baucune? (?:de ces|des|de) \w+|\baucune (?:reponse|proposition)\b|\brien de tout cela\b|\baucun d'(?:eux|entre eux)\b|\bno (?:correct|right) answer\b"
)
_ALL = re.compile(
    r"\beverything\b.*\babove\b|\bl'ensemble des (?:reponses|propositions|choix)\b|\btou(?:te)?s les \w+ (?:cites|citees|ci-dessus|precedents|precedentes|mentionnes|mentionnees)\b|\ball (?:of )?(?:the )?(?:above|these|them|options|answers|others?)\b|\bany of the above\b"
    r"|\b(?:toutes?|tous) (?:l|c)es (?:reponses|propositions|options|choix|precedentes)|\btout(?:es)? ce qui precede\b|\btoutes les reponses\b"
    r"|\bchacune de ces\b|\ball three\b|\b(?:tous|toutes) les (?:trois|quatre)\b"
)
_ABSOLUTE = re.compile(
    r"\b(?:always|never|only|everyone|everybody|nobody|completely|entirely|absolutely|impossible|no one|solely|exclusively|under all circumstances"
    r"|every (?:single|time|case|one|person|citizen|country|cell|\w+)|all (?:of )?(?:the )?\w+|without exception|in all cases"
    r"|toujours|jamais|uniquement|seulement|exclusivement|totalement|absolument|entierement|completement|personne ne|sans exception"
    r"|tous les \w+|toutes les \w+|chaque fois|dans tous les cas|en toutes circonstances|aucune? \w+|rien que)\b"
)
_VAGUE = re.compile(
    r"\b(?:often|sometimes|usually|frequently|occasionally|generally|commonly|several|many|some|mostly|most (?:of|people|cases)|rarely|seldom|various|a few|numerous|probably|typically|fairly|quite|a lot|now and then|in some cases|more or less|maybe|perhaps"
    r"|parfois|souvent|generalement|en general|habituellement|quelquefois|plusieurs|certaine?s|la plupart|rarement|beaucoup|quelques|frequemment|peut-etre|plutot|nombreux|nombreuses|de temps en temps|de temps a autre|surtout|une sorte de|plus ou moins|dans certains cas|probablement|assez|divers|diverses)\b"
)
_MEMBER = r"(?:[a-e]|i{1,3}|iv|v|[1-5])"
_COMPLEX = re.compile(
    rf"\A\W*(?:both |either |neither |only |les deux |seulement |uniquement |statements? |options? |answers? |les (?:reponses|propositions|affirmations) |reponses? |propositions? |affirmations? )*{_MEMBER}"
    rf"(?:\s*(?:,\s|and|et|&|\+|or|ou|nor|ni)\s*(?:and |et )?{_MEMBER})+(?: only| seulement| uniquement| ensemble| together| alone| (?:are|is|sont|est) \w+)?\W*\Z"
    rf"|\A\W*{_MEMBER} (?:only|alone|seulement|uniquement|seule?)\W*\Z|\A\W*(?:only|seulement|uniquement) {_MEMBER}\W*\Z"
    r"|\b(?:both|either|les deux)\b[^|]*\b(?:above|[a-e] (?:and|or|et|ou) [a-e])\b"
)
_ARTICLE_EN = re.compile(r"\b(an?)\s*(?:_{2,}|\.{3,}|…)?\s*[:?.]?\s*\Z")
_ARTICLE_FR = re.compile(r"\b(une?|le|la|les|l'|des|du|au|aux)\s*(?:_{2,}|\.{3,}|…)?\s*[:?.]?\s*\Z")
_ANTONYMS = [
    tuple(map(stem, pair.split("/")))
    for pair in listed(
        """increase/decrease increases/decreases rise/fall rises/falls higher/lower more/less faster/slower larger/smaller hotter/colder
        warmer/cooler gain/loss gains/loses expand/contract expands/contracts before/after above/below inside/outside positive/negative
        absorb/release absorbs/releases attract/repel attracts/repels open/closed opens/closes strengthen/weaken strengthens/weakens
        import/export north/south east/west northern/southern left/right legal/illegal constant/variable peace/war warm/cold hot/cold
        grow/shrink grows/shrinks slow/speed slows/speeds accelerates/slows enters/leaves entered/stayed heat/cool wins/loses
        victory/defeat light/dark maximum/minimum male/female reversible/irreversible convex/concave acid/base acidic/basic
        augmente/diminue augmentent/diminuent augmenter/diminuer monte/descend plus/moins hausse/baisse avant/apres dessus/dessous
        positif/negatif positive/negative absorbe/libere accelere/ralentit grandit/retrecit gagne/perd chaud/froid rapide/lent
        interieur/exterieur nord/sud est/ouest majeur/mineur renforce/affaiblit attire/repousse acide/basique dilate/contracte
        importation/exportation convexe/concave ouvre/ferme paix/guerre chaleureux/froid entra/resta victoire/defaite clair/sombre"""
    )
]
ARTICLES = frozenset(["the", "a", "an", "le", "la", "les", "un", "une", "l", "des", "du", "de", "it"])
_ENGLISH_ARTICLE = re.compile(r"(?:(the)|an?)\s")
_FRENCH_ARTICLE = re.compile(r"(?:(l[ae]s?\s|l'|des\s|du\s)|une?\s)")
_NEGATION = frozenset(["not", "no", "never", "pas", "ne", "n", "jamais", "non", "isnt", "doesnt", "cannot"])


def has_implausible_distractor(item: LintedItem) -> bool:
    """One distractor is of another kind than all other options, or of an absurd size."""
    if (
        is_verdict(item)
        or has_complex_options(item)
        or has_all_of_the_above(item)
        or has_none_of_the_above(item)
    ):
        return False
    kinds = [_kind(option, is_french=item.is_french) for option in item.options]
    lone = [index for index, kind in enumerate(kinds) if kinds.count(kind) == 1]
    is_lone = len(set(kinds)) == 2 and len(lone) == 1 and lone[0] != item.answer
    return (is_lone and kinds[lone[0]] != "the") or _has_absurd_size(item)


def _kind(option: str, *, is_french: bool) -> str:
    """`number`, or the article with which an option begins; empty for other options."""
    found = quantities(option)
    told = {word for one in found for part in one.words for word in words(part)}
    if re.search(r"(?<![^\W_])[-−+]?\d", option) or (found and set(words(option)) <= told):
        return "number"
    begin = _FRENCH_ARTICLE.match(fold(option)) if is_french else _ENGLISH_ARTICLE.match(fold(option))
    return ("the" if begin[1] else "a") if begin else ""


def _is_name(option: str) -> bool:
    parts = [part for part in re.findall(r"[^\W\d_][\w’'-]*", option) if fold(part) not in ALL_STOP_WORDS]
    return len(parts) > 1 and all(part[0].isupper() for part in parts)


def _has_absurd_size(item: LintedItem) -> bool:
    sizes = [_size(option) for option in item.options]
    right = sizes[item.answer]
    known = [size for size in sizes if size]
    if not right or len(known) < len(sizes):
        return False
    return any(max(size, right) / min(size, right) >= ABSURD_RATIO for size in known)


def _size(option: str) -> float:
    found = quantities(option)
    return abs(float(max(found[0].values, key=abs))) if len(found) == 1 and found[0].values else 0.0


def has_none_of_the_above(item: LintedItem) -> bool:
    return any(_NONE.search(fold(option)) for option in item.options)


def has_all_of_the_above(item: LintedItem) -> bool:
    return any(_ALL.search(fold(option)) and not _NONE.search(fold(option)) for option in item.options)


def has_longest_option_right(item: LintedItem) -> bool:
    longest = max(map(len, item.distractors))
    return len(item.right) >= LONGER * longest and len(item.right) - longest >= LONGER_CHARACTERS


def has_convergence_cue(item: LintedItem) -> bool:
    """The right option is made of what the distractors have in common with it, each another part."""
    parts = [set(content_words(option)) for option in item.options]
    common = frozenset(parts[0]).intersection(*parts)
    parts = [part - common for part in parts]
    right = parts[item.answer]
    shared = [right & part for index, part in enumerate(parts) if index != item.answer]
    used = frozenset[str]().union(*shared)
    scores = [
        sum(len(one & other) for at, other in enumerate(parts) if at != index)
        for index, one in enumerate(parts)
    ]
    is_center = scores.count(max(scores)) == 1 and scores[item.answer] == max(scores)
    return len(right) >= 2 and len(used) >= 2 and sum(map(bool, shared)) >= 2 and is_center


def has_logical_cue(item: LintedItem) -> bool:
    """Two options are opposites or one includes another, and the others are of another sort."""
    if (
        has_complex_options(item)
        or has_all_of_the_above(item)
        or has_none_of_the_above(item)
        or is_verdict(item)
        or has_convergence_cue(item)
        or has_several_right(item)
    ):
        return False
    return options_overlap(item.candidate) or _has_lone_opposites(item)


def _has_lone_opposites(item: LintedItem) -> bool:
    told = [_told(option) for option in item.options]
    everywhere = frozenset(told[0]).intersection(*told)
    pairs = [
        (one, other)
        for one, other in combinations(range(len(told)), 2)
        if _are_opposites(told[one], told[other])
    ]
    if len(pairs) != 1 or item.answer not in pairs[0]:
        return False
    both = frozenset(told[pairs[0][0]]) & frozenset(told[pairs[0][1]])
    others = [frozenset(told[index]) for index in range(len(told)) if index not in pairs[0]]
    return not both - everywhere or not any(both <= other for other in others)


def _told(option: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words(option) if word not in ARTICLES)


def _are_opposites(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    mine, theirs = set(one) - set(other), set(other) - set(one)
    if (not mine and theirs and theirs <= _NEGATION) or (not theirs and mine and mine <= _NEGATION):
        return True
    return (
        any(
            (first in mine and second in theirs) or (second in mine and first in theirs)
            for first, second in _ANTONYMS
        )
        and len(mine) <= 2
        and len(theirs) <= 2
    )


def has_absolute_terms(item: LintedItem) -> bool:
    if has_all_of_the_above(item) or has_none_of_the_above(item):
        return False
    return any(_ABSOLUTE.search(fold(option)) for option in _worded(item))


def has_vague_terms(item: LintedItem) -> bool:
    return any(_VAGUE.search(fold(option)) for option in _worded(item))


def _worded(item: LintedItem) -> list[str]:
    """The options without titles; of a name only its first word counts."""
    shown = [option for option in item.options if not re.match(r"\W*[«“\"*]", option)]
    return [option.split(" ", 1)[0] if _is_name(option) else option.replace("-", "_") for option in shown]


def has_complex_options(item: LintedItem) -> bool:
    return sum(_COMPLEX.search(fold(option)) is not None for option in item.options) >= 1 and _names_members(
        item
    )


def _names_members(item: LintedItem) -> bool:
    """The members that are combined are other options or numbered statements; `vitamins A and C` is no such thing."""
    return not all(re.fullmatch(r"\W*\d+\W*", option) for option in item.options)


def has_grammatical_cue(item: LintedItem) -> bool:
    """Grammar or form excludes a distractor."""
    return _excludes_by_article(item) or _excludes_by_number(item) or _excludes_by_form(item)


def _excludes_by_article(item: LintedItem) -> bool:
    asked = fold(item.stem)
    if item.is_french:
        return _ARTICLE_FR.search(asked) is not None
    found = _ARTICLE_EN.search(asked)
    if not found:
        return False
    fits = [(fold(option)[:1] in "aeiou") == (found[1] == "an") for option in item.options]
    return fits[item.answer] and not all(fits)


_CLAUSE_ASKED = re.compile(
    r"\b(?:that|because|when|if|que|qu'|parce que|quand|si)\s*(?:_{2,}|\.{3,}|…)?\s*[:.]?\s*\Z"
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|will|must|does|do|\w+s up|est|sont|etait|a|ont|avait|peut|doit|sera|fait|\w+ent)\b"
)
_PLURAL_ASKED = re.compile(
    r"\A\W*(?:(?:which|what) (?:two|three|are (?!the (?:two|three)? ?\w+ (?:called|of))|\w+s (?:are|were|have))|quel(?:le)?s (?:\w+ )?(?:sont|etaient|furent|ont|deux|trois)|name (?:the )?(?:two|three))\b"
)


def _excludes_by_number(item: LintedItem) -> bool:
    if not _PLURAL_ASKED.search(fold(item.stem)):
        return False
    plural = [_is_plural(option) for option in item.options]
    return plural[item.answer] and not all(plural)


def _is_plural(option: str) -> bool:
    folded = fold(option)
    return re.search(r"\b(?:and|et|&)\b|,", folded) is not None or any(
        word.endswith(("s", "x")) and not word.endswith(("ss", "us", "is")) and len(word) > 3
        for word in words(option)
    )


def _excludes_by_form(item: LintedItem) -> bool:
    """The right option alone is a whole sentence, a clause as the stem asks for, or of the number that it asks for."""
    others = item.distractors
    if item.right.rstrip().endswith(".") and not any(option.rstrip().endswith(".") for option in others):
        return True
    if _CLAUSE_ASKED.search(fold(item.stem)):
        return _has_verb(item.right) and not any(map(_has_verb, others))
    is_completed = "?" not in item.stem
    is_one = [not _is_plural(option) for option in item.options]
    return (
        is_completed
        and is_one.count(is_one[item.answer]) == 1
        and all(len(words(option)) <= 2 for option in item.options)
    )


def _has_verb(option: str) -> bool:
    return _VERB.search(fold(option)) is not None


def has_lost_sequence(item: LintedItem) -> bool:
    """The options are numbers of one unit, or dates, that are neither rising nor falling."""
    sizes = sizes_of(item.options)
    return bool(sizes) and sizes not in (sorted(sizes), sorted(sizes, reverse=True))


def has_several_right(item: LintedItem) -> bool:
    if options_not_distinct(item.candidate) or _say_the_same(item):
        return True
    is_other_flaw = (
        is_negative(item)
        or is_unsupported(item)
        or has_complex_options(item)
        or has_all_of_the_above(item)
        or has_none_of_the_above(item)
    )
    return not is_other_flaw and distractor_in_quote(item.candidate)


def _say_the_same(item: LintedItem) -> bool:
    """Two options differ in small words alone: `1793`, `in 1793`, `the year 1793`."""
    told = [frozenset(content_words(option)) - {"year", "ann", "anne"} for option in item.options]
    return any(part and told.count(part) > 1 for part in told) and any(map(quantities, item.options))


def repeats_word(item: LintedItem) -> bool:
    """A word of the stem stands in the right option alone, if in another form: `inherited`, `inheritance`."""
    if is_verdict(item):
        return False
    asked = {word[:SAME_WORD] for word in words(item.stem) if len(word) >= SAME_WORD}
    others = {word[:SAME_WORD] for option in item.distractors for word in words(option)}
    echoed = {word[:SAME_WORD] for word in words(item.right) if len(word) >= SAME_WORD} & asked
    return answer_echoes_stem(item.candidate) or bool(echoed - others)
