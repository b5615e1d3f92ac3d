"""Flaws of what is asked, whatever the options are."""

import re

from tests.quality.item import LintedItem

from shared.domain.study.wording_rules import (
    has_unclear_subject,
    is_in_wrong_language,
    refers_to_text,
)
from shared.domain.text.words import content_words, fold, word_count, words

LONG_STORY_WORDS = 22
"""Words of a stem of several sentences from which it tells more than it asks."""
LONG_STEM_WORDS = 45
VERDICT_WORDS = 4
VERDICTS = frozenset({"yes", "no", "true", "false", "oui", "non", "vrai", "faux", "vraie", "fausse"})
GAP = re.compile(r"_{2,}|\.{4,}|\[\s*(?:\.{3}|…)\s*\]")

_QUOTED = re.compile(r"[«“\"][^»”\"]*[»”\"]|(?<!\w)‘[^’]*’(?!\w)|(?<!\w)'[^']*'(?!\w)|\*[^*]+\*")
_SENTENCE_END = re.compile(r"(?<![A-Z\s][A-Z])(?<!\bSt)(?<!\bDr)(?<!\bMr)[.!?…]\s+(?=[^\W\d_])")
_VERDICT_FIRST = re.compile(r"\W*(?:yes|no|true|false|oui|non|vrai|faux)\s*[,:;–-]")
_VERDICT_ASKED = re.compile(r"\A\W*(?:true or false|vrai ou faux)\b")
_UNFOCUSED = re.compile(
    r"""\A\W*(?:(?:regarding|about|concerning|on|a\ propos\ d\S+|concernant|au\ sujet\ d\S+|sur)\b[^,?]*,\s*)?(?:
      (?:which|what)\ (?:one\ )?(?:of\ )?(?:the\ following|these|the\ statements?|statements?|sentences?|options?|answers?|propositions?|claims?)\b
        .{0,60}\b(?:is|are|seems?|applies|apply|best|holds?)\b\ ?(?:the\ )?(?:most\ )?(?:true|correct|right|accurate|valid|false|incorrect|fits?|best)?\W*\Z
    | (?:which|what)\ (?:is|are)\ (?:true|correct|right|accurate)\b
    | (?:choose|select|pick|mark|tick)\ the\ (?:correct|right|true|best)\b
    | (?:quelle?s?|laquelle|lequel|lesquelles|lesquels)\ (?:est\ |sont\ )?(?:l[ae']s?\ ?)?(?:bonne\ |bon\ )?(?:affirmations?|propositions?|reponses?|phrases?|enonces?|options?)\b
        .{0,60}\b(?:vraie?s?|exacte?s?|correcte?s?|justes?|convient|valides?|fausses?)\W*\Z
    | (?:laquelle|lequel|lesquelles|lesquels)\ (?:de\ ces|des|parmi)\b.{0,60}\b(?:vraie?s?|exacte?s?|correcte?s?|justes?|convient|fausses?)\W*\Z
    | parmi\ (?:les|ces)\b.{0,70}\b(?:vraie?s?|exacte?s?|correcte?s?|justes?|convient|fausses?)\W*\Z
    | (?:choisissez|cochez|selectionnez|indiquez)\ la\ (?:bonne|reponse\ (?:correcte|exacte|juste)|phrase|proposition)\b
    | (?:que|qu'est-ce\ que|qu'est-ce\ qui)\ (?:peut-on\ dire|on\ peut\ dire|savez-vous|est\ (?:vrai|exact|correct|juste))\b
    | which\ (?:option|answer|choice|statement|sentence)\ (?:fits|applies|is\ (?:true|correct|right))
    | (?:indiquez|donnez|trouvez|cochez|choisissez)\ l(?:a|e|')\s?(?:enonce|affirmation|proposition|phrase|reponse)\b
    | what\ (?:can|do)\ (?:be\ said|you\ know|we\ (?:say|know))\b
    | (?:which|what)\ (?:statement|sentence)\b(?!.*\b(?:because|about\ (?:how|why))\b).{0,60}\b(?:is|are)\ (?:true|correct|right|accurate)\W*\Z
    )""",
    re.VERBOSE,
)
_NEGATIVE_EN = re.compile(
    r"\b(?:not(?! only)|never|except(?:ing)?|(?<!at )least(?! common)|cannot|neither|incorrect)\b|n't\b"
)
_NEGATIVE_FR = re.compile(
    r"\b(?:ne|n')\s*(?:\S+\s+){0,5}?\S*\b(?:pas|jamais|plus|aucune?|rien|ni|personne|point)\b"
    r"|\b(?:ne|n')\s*\S+(?:-\S+)?\s+(?:\S+\s+){0,3}?(?:pas|jamais|plus|rien)\b"
    r"|\b(?:sauf|excepte|hormis|a l'exception|incorrecte?s?|pas)\b(?!-)(?! seulement)|\baucune? (?!doute)\w+"
)
_POINTER_EN = re.compile(r"\b(?:it|he|she|they|him|them|its|his|her|their)\b")
_POINTER_FR = re.compile(
    r"(?:\A|\s)(?:il|elle|ils|elles|lui|son|sa|ses|(?:peut|doit|faut|va|veut|pour)\s+l[ae]s?\s+\w+(?:er|ir|re)\b|celui-ci|celle-ci|cela|ceci)\b"
)
_GENERIC = re.compile(
    r"\b(?:the|le|la|l')\s?(?:city|town|country|king|queen|author|poet|novel|book|story|hero|company|war|battle|treaty|president|algorithm|expression|equation|experiment|river|region|mountain"
    r"|ville|pays|roi|reine|auteur|poete|roman|livre|histoire|heros|entreprise|guerre|bataille|traite|president|algorithme|expression|equation|experience|fleuve|region|montagne)\b"
    r"(?!\s+(?:of|that|which|who|in|with|to|for|known|called|on|from|at|de|du|des|d'|qui|que|dont|ou|en|a|au|pour)\b)(?!\s+d')"
)
_IMPERSONAL = re.compile(
    r"\bit (?:takes?|took|means?|is|was|has|comes|called|rains?|possible)\b|\b(?:does|did|is|was|would|will|can) it (?:take|mean|rain|snow|cost|require|be|possible|important|necessary|called)\b"
    r"|\b(?:y a|a-t-il|y avait|faut|fallait|faudra|suffit|pleut|s'agit|existe|fait|arrive|vaut|faudrait)\b|passe-t-il|produit-il|advient-il|-t-il (?:y|pour|de|d'|que|qu')|\best-il (?:possible|vrai|necessaire|important|interdit|permis)"
)
_PICKING = re.compile(
    r"\b(?:which|what) (?:two |three )?of (?:these|those)\b|\b(?:lequel|laquelle|lesquels|lesquelles|parmi|all|toutes?|tous) (?:of |de |d')?(?:ces|these|those)\b"
)
_ASKING = frozenset(
    [
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "qui",
        "que",
        "quoi",
        "quel",
        "quelle",
        "quels",
        "quelles",
        "quand",
        "ou",
        "comment",
        "pourquoi",
        "combien",
    ]
)


def unquoted(text: str) -> str:
    """The text without what stands in quotation marks, such as a title."""
    return _QUOTED.sub(" ", text)


def has_ambiguous_stem(item: LintedItem) -> bool:
    """The stem points to somebody or something before it is named, or names nothing."""
    if (
        is_verdict(item)
        or has_page_talk(item)
        or is_in_other_language(item)
        or _PICKING.search(fold(item.stem))
    ):
        return False
    stem = GAP.sub(" ", unquoted(item.stem))
    return has_unclear_subject(item.candidate) or _points_at_nothing(
        stem, is_french=item.is_french, is_quoting=_QUOTED.search(item.stem) is not None
    )


def _points_at_nothing(stem: str, *, is_french: bool, is_quoting: bool) -> bool:
    """A pronoun stands before any name and before more than the word that is asked for, or nothing in the stem says which city,
    king or author is meant."""
    folded = fold(stem)
    if _GENERIC.search(folded) and not _has_name(stem) and not is_quoting:
        return True
    pointer = _POINTER_FR if is_french else _POINTER_EN
    found = pointer.search(folded)
    if found is None or _IMPERSONAL.search(folded):
        return False
    named = [word for word in content_words(folded[: found.start()]) if word not in _ASKING]
    return not _has_name(stem[: found.start()]) and len(named) <= 1


def _has_name(stem: str) -> bool:
    return re.search(r"(?<!\A)(?<![.?!:] )\b[A-ZÀ-Ý]\w*|\d{3,}", stem) is not None


def has_gratuitous_information(item: LintedItem) -> bool:
    sentences = [part for part in _SENTENCE_END.split(unquoted(item.stem)) if words(part)]
    count = word_count(item.stem)
    return count > LONG_STEM_WORDS or (len(sentences) > 1 and count >= LONG_STORY_WORDS)


def is_verdict(item: LintedItem) -> bool:
    """The options are yes and no, or true and false."""
    verdicts = sum(
        (bool(VERDICTS & frozenset(words(option))) and word_count(option) <= VERDICT_WORDS)
        or bool(_VERDICT_FIRST.match(fold(option)))
        for option in item.options
    )
    return verdicts >= 2 or _VERDICT_ASKED.search(fold(item.stem)) is not None


def has_gap_inside(item: LintedItem) -> bool:
    return any(words(item.stem[gap.end() :]) for gap in GAP.finditer(item.stem))


def has_unfocused_stem(item: LintedItem) -> bool:
    """Nobody can answer without reading the options."""
    if _UNFOCUSED.search(fold(item.stem)):
        return True
    is_question = item.stem.rstrip(' »”"').endswith("?") or GAP.search(item.stem) is not None
    return not is_question and len(content_words(item.stem)) <= 2


def is_negative(item: LintedItem) -> bool:
    stem = fold(unquoted(item.stem))
    if item.is_french:
        return _NEGATIVE_FR.search(re.sub(r"n'est-ce pas|est-ce que|n'est-il pas", "", stem)) is not None
    return _NEGATIVE_EN.search(stem) is not None


def has_page_talk(item: LintedItem) -> bool:
    return refers_to_text(item.candidate._replace(answer=item.back, distractors=()))


def is_in_other_language(item: LintedItem) -> bool:
    return is_in_wrong_language(item.candidate)
