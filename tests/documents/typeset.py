"""Documents that are set for a test, as programs of others write them."""

from collections.abc import Sequence
from zlib import crc32

import typst

SENTENCES = (
    "Photosynthesis transforms luminous radiation into chemical energy.",
    "The chlorophyll of a chloroplast absorbs red and blue light.",
    "Efficient leaves affix sugar to their office as fluffy waffles.",
    "Stomata regulate transpiration throughout an extraordinarily hot afternoon.",
)


HEAD = "Handbook of plants"


def paragraphs(count: int) -> list[str]:
    """Each begins and ends with words of its own, so that none looks like a running head."""
    return [
        f"{_word(number)} {' '.join(_mixed(SENTENCES, number))} So ends what is said of {_word(number + 500)}"
        for number in range(count)
    ]


def _word(number: int) -> str:
    return f"{''.join(chr(97 + int(digit)) * 2 for digit in str(number + 1_000))}."


def _mixed(sentences: Sequence[str], number: int) -> list[str]:
    """In another order for each number."""
    return sorted(sentences, key=lambda sentence: crc32(f"{number}{sentence}".encode()))


def book(texts: list[str], *, columns: int = 1) -> bytes:
    """A PDF with running heads, page numbers, ligatures and hyphens."""
    head = f"""
        #set page(width: 14cm, height: 12cm, columns: {columns}, header: [{HEAD}],
                  footer: context align(center)[#counter(page).display()])
        #set text(size: 9pt, lang: "en", hyphenate: true)
        #set par(justify: true)
    """
    return typst.compile((head + "\n\n".join(texts)).encode())
