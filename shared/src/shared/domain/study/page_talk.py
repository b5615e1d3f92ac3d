"""Words that point at the page, the lesson or the text itself, which learners do not have before them months later."""

import re

from shared.domain.text.words import fold

_TEXTS = "text|passage|excerpt|extract|paragraph|source|document|article|author"
_TEXTES = "texte|passage|document|extrait|paragraphe|chapitre|auteur|source|article"
_SAYS = (
    "says?|states?|mentions?|describes?|explains?|tells?|claims?|argues?|provides?|refers?|gives?|does|did"
)
_DIT = "dit|indique|mentionne|explique|affirme|decrit|parle|presente|evoque|precise|cite|donne|definit"
_NUMBERED = "chapters?|figures?|fig|tables?|sections?|pages?|appendix|chapitres?|tableaux?|annexes?|exercises?|exercices?"
_TEXT = re.compile(
    rf"""\b(?:
      this\ (?:text|passage|document|paragraph|excerpt|extract|chapter|quote|source)
    | the\ (?:{_TEXTS})\ (?:above|below|{_SAYS})
    | (?:from|in|by|on)\ (?:this|the\ given)\ (?:{_TEXTS})
    | according\ to\ (?:the|this)\ (?:{_TEXTS})
    | does\ the\ (?:{_TEXTS})
    | (?:mentioned|described|given|listed|discussed|stated)\ (?:above|below|in\ the\ (?:text|passage))
    | c(?:e|et)\ (?:texte|passage|document|extrait|paragraphe|chapitre)
    | (?:selon|d'apres|suivant)\ (?:le\ |la\ |l'|cet\ |ce\ )(?:{_TEXTES})
    | (?:le\ |la\ |l')(?:{_TEXTES})\ (?:{_DIT})
    | (?:given|provided)\ (?:excerpt|text|passage|extract)
    | comme\ (?:le\ |la\ |l')(?:indique|montre|dit|precise|explique)\ (?:le\ |la\ |l'|ce\ |cet\ )(?:{_TEXTES})
    | ci-dess(?:us|ous)
    )\b""",
    re.VERBOSE,
)
_PAGE = re.compile(
    rf"""\b(?:
      (?:see|cf\.?|refer\ to|voir|voyez|reportez-vous\ a)\s+(?:also\s+|aussi\s+)?(?:the\ |la\ |le\ |les\ |l')?(?:{_NUMBERED})
    | (?:figures?|fig\.?|tables?|chapters?|sections?|chapitres?|tableaux?|pages?|exercises?|exercices?)\s+(?:\d+|_{{2,}})
    | (?:the|this|la|le|les|cette|ce)\ (?:figure|diagram|table|image|picture|chart|graph|map|photo|schema|tableau|graphique|carte|illustration)\s
        (?:below|above|opposite|shows?|ci-contre|montre)
    | (?:next|previous|preceding)\ (?:chapter|section|page|lesson|paragraph|slide)
    | (?:second|first|third|left|right|premiere|deuxieme|troisieme)\ (?:column|colonne|paragraph|slide|page)
    | (?:chapitre|section|page|lecon|paragraphe|diapositive)\ (?:suivante?|precedente?|prochaine?)
    | (?:as|comme)\ (?:shown|seen|mentioned|discussed|described|explained|indique|montre|vu|dit|decrit|explique)\ (?:above|below|earlier|plus\ haut|plus\ bas)
    | (?:our|your|notre|votre)\ (?:lecture|course|handout|slides?|lesson|textbook|cours|manuel|polycopie|lecon)
    | (?:this|ce|cette)\ (?:lecture|course|handout|lesson|textbook|manuel|polycopie|lecon)
    | (?:plus\ haut|plus\ bas)\ dans|ci-contre|ci-joint
    )\b""",
    re.VERBOSE,
)


def talks_of_page(text: str) -> bool:
    folded = fold(text)
    return _TEXT.search(folded) is not None or _PAGE.search(folded) is not None
