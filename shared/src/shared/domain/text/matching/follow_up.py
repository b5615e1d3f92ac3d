"""Tells a question that stands alone from one that leans on what was said before."""

from shared.domain.text.words import ALL_STOP_WORDS, listed, words

_FEW_WORDS = 1
_POINTING_WORDS = frozenset(
    listed("""he she it they him her his its them their this that these those there
    il elle ils elles lui leur leurs eux y en ce cela ca celui celle ceux celles""")
)


def leans_on_earlier(question: str) -> bool:
    """Whether a question says by a pronoun what it is about, or hardly says it."""
    found = words(question)
    return len([word for word in found if word not in ALL_STOP_WORDS]) <= _FEW_WORDS or any(
        word in _POINTING_WORDS for word in found
    )
