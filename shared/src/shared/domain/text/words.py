"""Tokenizes text into words for comparison: folded, without stop words, and stemmed."""

import math
import re
import unicodedata
from functools import lru_cache

from shared.domain.text.language import Language
from shared.domain.text.scripts import MARKS, UNSPACED


def listed(entries: str) -> tuple[str, ...]:
    """Split a list of words that is written as one string."""
    return tuple(entries.split())


STOP_WORDS: dict[Language, frozenset[str]] = {
    Language.FR: frozenset(
        listed("""l d j m n s t c qu le la les un une des du de au aux et ou ni mais donc or car que qui quoi dont ou lequel
        laquelle lesquels lesquelles duquel auquel ce cet cette ces cela ca ceci celui celle ceux celles mon ma mes ton ta
        tes son sa ses notre nos votre vos leur leurs je tu il elle on nous vous ils elles me te se moi toi lui eux soi y en
        ne pas plus moins point jamais rien aucun aucune tout toute tous toutes a dans par pour sur sous avec sans chez entre
        vers depuis pendant avant apres contre selon lors des si comme quand lorsque puis alors ainsi aussi tres trop peu
        encore deja meme memes autre autres tel telle tels telles quel quelle quels quelles chaque plusieurs quelque quelques
        est sont etait etaient fut furent sera seront etre ete etant soit ai as avons avez ont avait avaient eut eurent aura
        avoir eu ayant fait font faire peut peuvent pouvait doit doivent comment pourquoi combien parce puisque afin c est
        ici la-bas voici voila deux non oui""")
    ),
    Language.EN: frozenset(
        listed("""the a an and or but nor so yet of to in on at by for from with without within into onto over under about after
        before between through during against among per as than then that this these those which who whom whose what when
        where why how it its he him his she her hers they them their theirs we us our you your i me my mine is are was were
        be been being am do does did done doing have has had having will would shall should can could may might must not no
        yes if because while although though since until unless also too very much many more most less least some any each
        every all both either neither other others another such same own only just even still already there here up down out
        off again once two s t""")
    ),
}
ALL_STOP_WORDS = frozenset[str]().union(*STOP_WORDS.values())

_SUFFIXES = listed("issements issement ements ations ement ation ings ing")
_ENDINGS = listed("ents ees ies ent ed ee es er s x e y")
"""From each list, the first suffix that fits is removed."""
_MIN_STEM, _MAX_STEM = 4, 40
_WORD = re.compile(
    r"\d{1,3}(?:[., ]\d{3})+(?:[.,]\d+)?(?![^\W_])|\d+[.,]\d+(?![^\W_])"
    rf"|[^\W_{UNSPACED}]+(?:[{MARKS}]+[^\W_{UNSPACED}]*)*|[{UNSPACED}][{MARKS}]*"
)
"""A number is one word, whatever separates its thousands. In scripts without spaces each character is a word."""
_UNSPACED_WORD = re.compile(f"[{UNSPACED}]")
_LAST_FOLDED_MARK = 0x08FF
"""From the next block on, the scripts of India, marks are vowels."""
_NUMBER = re.compile(r"\d{1,3}(?:[., \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?")
_SEPARATORS = re.compile(r"[.,\s\u00a0\u202f]")
_MAX_CACHED = 1_000
"""Limit of a text whose words are cached, in characters."""
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "œ": "oe", "æ": "ae", "Œ": "oe", "Æ": "ae"})


def fold(text: str) -> str:
    """Lower case without accents and with straight apostrophes."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHY)).translate(_bare).casefold()


class _Bare(dict[int, int | None]):
    """A translation table that removes combining characters. Each character is looked up once."""

    def __missing__(self, code: int) -> int | None:
        is_accent = code <= _LAST_FOLDED_MARK and unicodedata.combining(chr(code))
        self[code] = folded = None if is_accent else code
        return folded


_bare = _Bare()


def words(text: str) -> tuple[str, ...]:
    """The folded words and numbers in order. Numbers have no separators, which differ between languages."""
    return _cached_words(text) if len(text) <= _MAX_CACHED else _find_words(text)


def _find_words(text: str) -> tuple[str, ...]:
    return tuple(_SEPARATORS.sub("", word) for word in _WORD.findall(fold(text)))


_cached_words = lru_cache(maxsize=4_096)(_find_words)
"""The rules tokenize the quote, question and options of an item a dozen times."""


def content_words(text: str) -> list[str]:
    """The stems of the words that are not stop words, in order."""
    return [stem(word) for word in words(text) if word not in ALL_STOP_WORDS]


def numbers(text: str) -> set[str]:
    """The numbers, also those within words, without separators: `1 300` and `1,300` are `1300`."""
    return {_ascii_digits(_SEPARATORS.sub("", number)) for number in _NUMBER.findall(text)}


def _ascii_digits(number: str) -> str:
    return number if number.isascii() else "".join(str(unicodedata.decimal(char, char)) for char in number)


def word_count(text: str) -> int:
    """How many words a text has. In scripts without spaces, every two characters count as one."""
    found = words(text)
    unspaced = sum(is_unspaced(word) for word in found)
    return len(found) - unspaced + (unspaced + 1) // 2


def is_unspaced(word: str) -> bool:
    """Whether the script of a word has no spaces between words."""
    return _UNSPACED_WORD.match(word) is not None


def stem(word: str) -> str:
    """A folded word without suffixes. The rules are crude, the same for both languages, and leave at least four letters."""
    return _stem(word[:_MAX_STEM])


@lru_cache(maxsize=16_384)
def _stem(word: str) -> str:
    for endings in (_SUFFIXES, _ENDINGS):
        for ending in endings:
            if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM:
                word = word.removesuffix(ending)
                break
    return word


def inverse_document_frequency(holding: int, documents: int) -> float:
    """The weight of a word that `holding` of `documents` contain, by the formula of BM25. It is always above 0."""
    return math.log(1 + (documents - holding + 0.5) / (holding + 0.5))


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether `text` contains `phrase` as whole words, whatever their case, accents and punctuation. One Chinese character is a
    part of too many words to be looked for."""
    wanted = " ".join(words(phrase))
    if len(wanted) == 1 and is_unspaced(wanted):
        return False
    return bool(wanted) and f" {wanted} " in f" {' '.join(words(text))} "
