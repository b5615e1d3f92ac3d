"""How many of a hundred questions on two long courses get the passage with the sentence that answers them.

The courses, one in French and one in English, have more than 15,000 words each: chapters in prose, written for this bench and for
the tests, and an almanac of invented places in between. Half of the questions were not looked at while the rules were made: they
are `held out`.

`rewritten` is simulated: a server on this machine gives the words that stand beside each question, which were written by hand by
whoever wrote the questions. It shows what good words are worth, not how good the words of a model are.
"""

# ruff: noqa: T201 - a bench prints what it measured

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import uvloop
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
from tests.simulators.scripted_server import Response, ScriptedServer, completion

from chat.retrieval.collection_cache import IndexedCollection
from chat.retrieval.passage_index import MAX_PASSAGES, PassageIndex
from chat.retrieval.question_rewriter import QuestionRewriter, needs_rewriting
from chat.retrieval.question_words import weigh_words
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.token_counter import count_tokens
from shared.adapters.offline.question_answering import answer
from shared.domain.llm.provider import Provider
from shared.domain.text.language import Language
from shared.domain.text.language_detection import load_model

FEW_PASSAGES = 3
SECONDS = 10.0
"""Far more than the simulated model needs."""


class Found(Struct, frozen=True):
    """Whether one question found its sentence."""

    case: RetrievalCase
    in_few: bool
    in_all: bool
    is_quoted: bool
    """By the offline generator."""
    is_found_rewritten: bool
    tokens: int
    """What the rewriting cost; 0 if the model was not asked."""
    seconds: float
    """Choosing the passages, and whether to ask the model."""


def main() -> None:
    uvloop.run(_measure())


async def _measure() -> None:
    load_model()
    indexes = {language: _index(language) for language in Language}
    async with ScriptedServer(_write_words) as server:
        provider = OpenAIProvider(connect("a-key", base_url=server.url), model="model-1")
        found = [await _ask(case, indexes[case.text], provider) for case in retrieval_cases()]
        await provider.close()
    unseen = {id(case) for case in held_out(retrieval_cases())}
    print(
        f"{'':<16} {'of':>4} {'found':>6} {f'in {FEW_PASSAGES}':>6} {'rewritten':>10} {'quoted offline':>15}"
    )
    for kind in Counter(one.case.kind for one in found):
        _print(kind, [one for one in found if one.case.kind == kind])
    _print("held out", [one for one in found if id(one.case) in unseen])
    _print("all", found)
    tokens = [one.tokens for one in found if one.tokens]
    print(f"the model was asked {len(tokens)} times, for {sum(tokens) / len(tokens):.0f} tokens each")
    seconds = [one.seconds for one in found]
    p50, worst = 1_000 * percentile(seconds, 0.5), 1_000 * max(seconds)
    print(f"choosing {MAX_PASSAGES} passages takes p50 {p50:.1f} ms, at most {worst:.1f} ms")


def _index(language: Language) -> IndexedCollection:
    text = collection_text(language)
    collection = make_collection(text=text, language=language, flashcards=[], quiz=[])
    began = time.perf_counter()
    index = PassageIndex(collection)
    took = 1_000 * (time.perf_counter() - began)
    print(f"the course in {language.name} has {len(text.split()):,} words, and is indexed in {took:.0f} ms")
    return IndexedCollection(collection=collection, index=index)


async def _ask(case: RetrievalCase, indexed: IndexedCollection, provider: Provider) -> Found:
    turns, index = case.conversation, indexed.index
    began = time.perf_counter()
    shown = index.choose(weigh_words(turns))
    is_asked = needs_rewriting(turns, indexed)
    seconds = time.perf_counter() - began
    few = index.choose(weigh_words(turns), limit=FEW_PASSAGES)
    rewriter = QuestionRewriter(
        provider, turns, indexed, seconds=SECONDS, count=count_tokens, safety_id="bench"
    )
    rewritten = await rewriter.find_passages() if is_asked else None
    *earlier, question = case.turns
    sources = [span.of(indexed.collection.text) for span in shown]
    reply = answer(question, sources, case.text, earlier=earlier[-2:])
    return Found(
        case,
        in_few=is_found(case, few),
        in_all=is_found(case, shown),
        is_quoted=case.answer in reply,
        is_found_rewritten=is_found(case, rewritten or shown),
        tokens=rewriter.usage.total,
        seconds=seconds,
    )


def _write_words(body: dict[str, Any]) -> Response:
    """The words beside the question that is asked about; none where there are none."""
    asked = body["messages"][-1]["content"]
    cases = [case for case in retrieval_cases() if all(turn in asked for turn in case.turns)]
    words = max(cases, key=lambda case: len(" ".join(case.turns))).search.split()
    return completion(json.dumps({"words": words}))


def _print(name: str, found: Sequence[Found]) -> None:
    in_all, in_few, rewritten, quoted = (
        sum(getattr(one, field) for one in found)
        for field in ("in_all", "in_few", "is_found_rewritten", "is_quoted")
    )
    print(f"{name:<16} {len(found):>4} {in_all:>6} {in_few:>6} {rewritten:>10} {quoted:>15}")


if __name__ == "__main__":
    main()
