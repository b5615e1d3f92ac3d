"""Rules for a sentence that an item is made of: it is whole, it stands alone, and it does not speak of its page.

The offline generator takes only sentences that pass them. They hold for any French or English text.
"""

import re

from shared.domain.text.language import Language
from shared.domain.text.words import listed

_END = re.compile(r"[.!]\s?['\"»”’)]{0,2}\Z")
_CUT_SHORT = re.compile(
    r"\b(?:Brig|Bvt|Gen|Col|Maj|Capt|Lt|Sgt|Gov|Sen|Rep|Prof|Dr|Mr|Mrs|St|Mt|No|vs|cf|M|Mme)\.\Z"
)
_START = re.compile(r"['\"«“(]{0,2} ?[^\W_]")
_HOLE = re.compile(
    r"\( *[,;)]|\[ *\]|,\s*[,.;]|\s[,.](?=\s|\Z)|\b(?:of|to|from|the|and|or|de|du|le|la|les|et|ou)[.;]"
)
"""Marks of a word that was lost: empty brackets, two commas, a space before a full stop."""
_FORMULA = re.compile(
    r"[=≈≤≥∝→⇌∑∫√{}\\<>|~^•]|::|[^\W_]_[^\W_]|\S{40}|\b\w+\(\)|[/.]\w+[/.]\w|\b(\w{4,}) \1\b"
)
_PAIRS = (("(", ")"), ("[", "]"), ("«", "»"), ("“", "”"))

_PARTS = "figures?|fig\\.?|tables?|chapters?|sections?|pages?|appendix|box|equations?|eq\\.?|exercises?|lessons?|units?|modules?|notes?"
_PARTIES = "figures?|fig\\.?|tableaux?|chapitres?|sections?|pages?|annexes?|encadrés?|exercices?|leçons?|documents?|doc\\.?|schémas?|notes?"
_PAGE_TALK = {
    Language.EN: re.compile(
        rf"\b(?:{_PARTS}) \(?(?:\d|[IVX]+\b)"
        r"|\b(?:see|shown|illustrated|described|discussed|listed|mentioned|given|noted|explained|seen|outlined) (?:also|above|below|here|in|earlier|previously|on page)\b"
        r"|\b(?:above|below|opposite)(?=[,.;)]|\Z)|\b(?:previous|next|preceding|following|last) (?:chapters?|sections?|pages?|paragraphs?|lessons?|examples?|tables?|figures?|steps?|lists?)\b"
        r"|\bthis (?:chapter|section|book|article|page|course|lesson|tutorial|guide|manual|text|unit|module|paper|essay|list|table|figure|example|entry)\b"
        r"|\b(?:we|us|our|ours|you|your|yours|i|me|my|let's)\b",
        re.IGNORECASE,
    ),
    Language.FR: re.compile(
        rf"\b(?:{_PARTIES}) \(?(?:\d|[IVX]+\b)|\b(?:voir|cf\.?|voyez|regarde[zr]?)\b"
        r"|\bci-(?:dessus|dessous|contre|après)\b|\bplus (?:haut|bas)\b|\b(?:précédemment|suivante?s?|précédente?s?)\b"
        r"|\b(?:ce|cet|cette|dans le|dans la) (?:chapitre|section|livre|article|page|cours|leçon|tutoriel|guide|manuel|texte|module|partie|fiche|rubrique|tableau|schéma|figure|exemple)\b"
        r"|\b(?:nous|notre|nos|vous|votre|vos|tu|ton|ta|tes|je|mon|ma|mes)\b|\bj'",
        re.IGNORECASE,
    ),
}
_ANAPHORS = {
    Language.EN: frozenset(
        listed("""it they this these those that he she his her their its such here there another others both them one ones some many
        most few several then thus so we you i each either neither all also instead similarly likewise meanwhile later
        afterwards second third finally however moreover therefore hence otherwise conversely furthermore nevertheless again
        and but or nor yet if as other""")
    ),
    Language.FR: frozenset(
        listed("""il elle ils elles ce cet cette ces cela ça ceci celui celle ceux celles celui-ci celle-ci ceux-ci celles-ci leur
        leurs son sa ses on c nous vous je tu tous toutes certains certaines d'autres autre autres l'un l'une y plusieurs
        chacun chacune deuxième troisième seconde second ensuite enfin puis ainsi donc alors or mais et ou car aussi
        également cependant toutefois néanmoins pourtant inversement""")
    ),
}
_LEANING = {
    Language.EN: re.compile(
        r"\b(?:this|these|those|such|here|later|earlier|afterwards|thereafter|(?<!all )the (?:latter|former|same|other|others|above|two|three|new|proposed|resulting|remaining|said|present)|(?:that|the) (?:year|day|time|period)(?! (?:of|in|that|when|between|during))|at the time"
        r"|as well|also|too|respectively|another|today|currently|now|recently|nowadays)\b",
        re.IGNORECASE,
    ),
    Language.FR: re.compile(
        r"\b(?:ce|cet|cette|ces|cela|ceci|celui-ci|celle-ci|ceux-ci|celles-ci|lendemain|auparavant|ici|là|également|aussi|d'autres|l'autre|les autres|respectivement"
        r"|ces derni[eè]re?s|ce dernier|cette dernière|dernier cas|aujourd'hui|actuellement|actuelle?s?|récemment|désormais|en effet|par exemple|à son tour)\b(?!-)",
        re.IGNORECASE,
    ),
}
_PRONOUN = {
    Language.EN: re.compile(r"\b(?:it|they|he|she|its|their|his|her|him|them)\b", re.IGNORECASE),
    Language.FR: re.compile(
        r"\b(?:ils?|elles?|son|sa|ses|leurs?|lui)\b(?! (?:faut|existe|y a)\b)", re.IGNORECASE
    ),
}
_OPENING_WORDS = 5
_PERSON = {
    Language.EN: re.compile(r"\b(?:he|she|they)\b"),
    Language.FR: re.compile(r"\b(?:ils?|elles?)\b(?! (?:faut|existe|y a)\b)"),
}


def is_whole(text: str) -> bool:
    """Whether a text is a sentence from its first letter to its full stop, without a hole, a formula or an open bracket."""
    return (
        _END.search(text) is not None
        and _CUT_SHORT.search(text) is None
        and _START.match(text) is not None
        and _first_letter(text).isupper()
        and is_clean(text)
    )


def is_entry(text: str) -> bool:
    """Whether an entry of a list may be a sentence, although it has no full stop."""
    return text[-1:].isalnum() and _first_letter(text).isupper() and is_clean(text)


def is_clean(text: str) -> bool:
    """Whether nothing of a text is lost or a formula, and its brackets and quotation marks are closed."""
    return (
        _HOLE.search(text) is None
        and _FORMULA.search(text) is None
        and text.count('"') % 2 == 0
        and all(text.count(opening) == text.count(closing) for opening, closing in _PAIRS)
    )


def speaks_of_page_or_reader(text: str, language: Language) -> bool:
    """Whether a text speaks of a figure, a chapter or the page, or to its reader."""
    return _PAGE_TALK[language].search(text) is not None


def leans_on_context(text: str, language: Language) -> bool:
    """Whether a sentence refers to what was said before it."""
    first = text.replace("'", " ").split()[0].lower().strip('«“"(,.') if text.split() else ""
    opening = " ".join(text.split()[:_OPENING_WORDS])
    return (
        first in _ANAPHORS[language]
        or _LEANING[language].search(text) is not None
        or _PRONOUN[language].search(opening) is not None
        or _is_unnamed(text, language)
    )


def _is_unnamed(text: str, language: Language) -> bool:
    """Whether a pronoun stands before any noun that it could refer to: an introduction and its comma come before it."""
    pronoun = _PERSON[language].search(text)
    return (
        pronoun is not None
        and text[: pronoun.start()].rstrip().endswith(",")
        and text.find(",") >= 0
        and (
            re.match(
                r"(?:In|On|At|After|Before|By|En|Le|Après|Avant|Malgré|Dans|Despite|With|Avec|Pour|For)\b",
                text,
            )
            is not None
        )
    )


def stands_alone(text: str, language: Language) -> bool:
    """Whether a learner understands a sentence without the page that it stands on."""
    return (
        is_whole(text)
        and not speaks_of_page_or_reader(text, language)
        and not leans_on_context(text, language)
    )


def _first_letter(text: str) -> str:
    return next((char for char in text if char.isalnum()), "")


_OPEN_END = re.compile(
    r"(?:\b(?:the|an?|of|to|in|on|at|by|for|from|with|and|or|but|that|which|who|whose|because|as|than|is|are|was|were|just|only|about|than|e\.g\.?|i\.e\.?|such"
    r"|le|la|les|une?|des?|du|aux?|à|en|dans|par|pour|sur|sous|avec|et|ou|que|qui|dont|est|sont|afin|comme|qu|ne|se)|[(«“,:;–—-]|\b(?:[ldcsnmj]|qu)')\s*\Z",
    re.IGNORECASE,
)


def ends_open(text: str) -> bool:
    """Whether a phrase is broken off: it ends in an article, a preposition or the like."""
    return _OPEN_END.search(text) is not None
