"""How many of a hundred questions on two long courses get the passage with the sentence that answers them.

The courses, one in French and one in English, have more than 15,000 words each: chapters in prose, written for this bench and for
the tests, and an almanac of invented places in between. Questions of five kinds, half of them on each course, are told apart by
whether they were looked at while the rules were made (`held out`: they were not).
"""

# ruff: noqa: T201 - a bench prints what it measured

import time
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from tests.bench.chat_passages.retrieval_cases import (
    RetrievalCase,
    collection_text,
    held_out,
    is_found,
    retrieval_cases,
)
from tests.bench.stack import percentile
from tests.factories import make_collection

from chat.retrieval.passage_index import MAX_PASSAGES, PassageIndex
from chat.retrieval.question_words import weigh_words
from shared.adapters.offline.question_answering import answer
from shared.domain.text.language import Language

FEW_PASSAGES = 3


class Found(Struct, frozen=True):
    """Whether one question found its sentence."""

    case: RetrievalCase
    in_few: bool
    in_all: bool
    is_quoted: bool
    """By the offline generator."""
    seconds: float


def main() -> None:
    indexes = {language: _index(language) for language in Language}
    found = [_ask(case, indexes[case.text]) for case in retrieval_cases()]
    unseen = {id(case) for case in held_out(retrieval_cases())}
    print(f"{'':<16} {'of':>4} {'found':>6} {f'in {FEW_PASSAGES}':>6} {'quoted offline':>15}")
    for kind in Counter(one.case.kind for one in found):
        _print(kind, [one for one in found if one.case.kind == kind])
    _print("held out", [one for one in found if id(one.case) in unseen])
    _print("all", found)
    seconds = [one.seconds for one in found]
    p50, worst = 1_000 * percentile(seconds, 0.5), 1_000 * max(seconds)
    print(f"choosing {MAX_PASSAGES} passages takes p50 {p50:.1f} ms, at most {worst:.1f} ms")


def _index(language: Language) -> PassageIndex:
    text = collection_text(language)
    began = time.perf_counter()
    index = PassageIndex(make_collection(text=text, flashcards=[], quiz=[]))
    took = 1_000 * (time.perf_counter() - began)
    print(f"the course in {language.name} has {len(text.split()):,} words, and is indexed in {took:.0f} ms")
    return index


def _ask(case: RetrievalCase, index: PassageIndex) -> Found:
    text = collection_text(case.text)
    began = time.perf_counter()
    shown = index.choose(weigh_words(case.conversation))
    seconds = time.perf_counter() - began
    few = index.choose(weigh_words(case.conversation), limit=FEW_PASSAGES)
    *earlier, question = case.turns
    reply = answer(question, [span.of(text) for span in shown], case.text, earlier=earlier[-2:])
    return Found(case, is_found(case, few), is_found(case, shown), case.answer in reply, seconds)


def _print(name: str, found: Sequence[Found]) -> None:
    counts = (sum(getattr(one, field) for one in found) for field in ("in_all", "in_few", "is_quoted"))
    in_all, in_few, quoted = counts
    print(f"{name:<16} {len(found):>4} {in_all:>6} {in_few:>6} {quoted:>15}")


if __name__ == "__main__":
    main()
