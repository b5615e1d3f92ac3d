"""What the simulated model writes: always of the schema asked for, and about the source it was given.

Cards and questions are gaps in sentences of the source, with the sentence as the quote: plain, and good enough for
the checks.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import cycle
from typing import Any, cast

from tests.simulators.chat_request import Turn

from shared.domain.text.numbering import NumberedText
from shared.domain.text.segmentation import is_usable, sentences
from shared.domain.text.words import contains_phrase, content_words, fold, stem

LIST_LENGTH = 4
GAP = "_____"
SPARE_OPTIONS = ("granite", "harbour", "velvet")
"""Wrong options where the source has too few words for three."""
NOTHING_FOUND = "Nothing was found in the source"

_FENCED = re.compile(r'<source id="(\w+)">\n(.*?)\n</source id="\1">', re.DOTALL)
_SHAPE = re.compile(r"JSON Schema and nothing else:\n(\{.*\})$", re.DOTALL)
_CARDS = re.compile(r"(\d+) (?:cards|cartes)")
_QUESTIONS = re.compile(r"(\d+) questions")
_NUMBER = re.compile(r"§\d+ ")
_NUMBERED = re.compile(r"§(\d+) (.*?)(?=\s*(?:§\d+ |\Z))", re.DOTALL)
_GAP_WORD = re.compile(r"[^\W\d_]{5,}")
_TOO_ABSOLUTE = re.compile(r"toujours|jamais|toutes|always|never|every|completely", re.IGNORECASE)


def write_answer(messages: Sequence[Turn], schema: dict[str, Any] | None) -> str:
    """The content of the answer to a request."""
    user = "\n".join(message.content for message in messages if message.role == "user")
    sources = [fenced for _, fenced in _FENCED.findall(user)]
    asked = _FENCED.sub("", user)
    schema = schema or _schema_in(messages[0].content)
    if schema is None:
        return _chat("\n\n".join(sources), _FENCED.sub("", messages[-1].content))
    source = sources[0] if sources else ""
    return _draft(source, json.dumps(schema), _count(_CARDS, asked), _count(_QUESTIONS, asked))


def _schema_in(instructions: str) -> dict[str, Any] | None:
    """The schema at the end of the instructions, where a server takes none beside the messages."""
    found = _SHAPE.search(instructions)
    return json.loads(found[1]) if found else None


def _count(pattern: re.Pattern[str], asked: str) -> int:
    found = pattern.search(asked)
    return int(found[1]) if found else 0


@lru_cache(maxsize=1_024)
def _draft(source: str, schema: str, cards: int, questions: int) -> str:
    shape = json.loads(schema)
    properties: dict[str, Any] = shape.get("properties", {})
    lists = {"cards": _cards(source)[:cards], "questions": _questions(source)[:questions]}
    if items := {name: drafts for name, drafts in lists.items() if name in properties}:
        return _dump({name: [_cited(draft, source) for draft in drafts] for name, drafts in items.items()})
    return _dump(_fill(shape, cycle(_sentences(source) or [NOTHING_FOUND])))


def _cited(draft: dict[str, Any], source: str) -> dict[str, Any]:
    """The draft as it was asked for: with the number of its sentence."""
    numbered = source if _NUMBER.search(source) else NumberedText(source).write()
    numbers = {text: int(number) for number, text in _NUMBERED.findall(numbered)}
    number = next((number for text, number in numbers.items() if draft["quote"] in text), 0)
    return {"numbers": [number]} | {name: value for name, value in draft.items() if name != "quote"}


def _chat(source: str, question: str) -> str:
    """The sentence that has most in common with the question, quoted."""
    wanted = set(content_words(question))
    found = sorted(_sentences(source), key=lambda sentence: -len(wanted & set(content_words(sentence))))
    return f"“{found[0]}”" if found else f"{NOTHING_FOUND}: {question.strip()}"


def _cards(source: str) -> list[dict[str, str]]:
    return [
        {"front": _with_gap(sentence, word), "back": word, "quote": sentence}
        for sentence, word in _gaps(source)
    ]


def _questions(source: str) -> list[dict[str, Any]]:
    gaps = _gaps(source)
    questions: list[dict[str, Any]] = []
    for sentence, word in gaps:
        others = sorted(
            {stem(fold(other)): other for _, other in gaps if not _is_in(other, sentence)}.values(),
            key=lambda other: (abs(len(other) - len(word)), other),
        )
        questions.append(
            {
                "question": _with_gap(sentence, word),
                "options": [word, *[*others, *SPARE_OPTIONS][:3]],
                "answer": 0,
                "explanation": sentence,
                "quote": sentence,
            }
        )
    return questions


def _gaps(source: str) -> list[tuple[str, str]]:
    """Sentences with the word to leave out: their longest that nothing else in them gives away."""
    return [(sentence, word) for sentence in _sentences(source) if (word := _gap_word(sentence))]


def _gap_word(sentence: str) -> str:
    candidates = sorted(set(_GAP_WORD.findall(sentence)), key=lambda word: (-len(word), word))
    for word in candidates:
        left = content_words(_with_gap(sentence, word))
        if content_words(word) and not set(content_words(word)) & set(left) and not _TOO_ABSOLUTE.match(word):
            return word
    return ""


def _with_gap(sentence: str, word: str) -> str:
    return re.sub(rf"\b{re.escape(word)}\b", GAP, sentence, count=1)


def _is_in(word: str, sentence: str) -> bool:
    return contains_phrase(sentence, word) or set(content_words(word)) <= set(content_words(sentence))


def _sentences(source: str) -> list[str]:
    plain = _NUMBER.sub("", source)
    spans = (span.of(plain) for span in sentences(plain))
    return [sentence for sentence in spans if is_usable(sentence) and len(sentence) <= 280]


def _fill(shape: dict[str, Any], texts: Iterator[str]) -> object:
    """A value that fits, of sentences."""
    if "enum" in shape:
        return shape["enum"][0]
    match shape.get("type"):
        case "object":
            properties = cast(dict[str, dict[str, Any]], shape.get("properties", {}))
            return {name: _fill(part, texts) for name, part in properties.items()}
        case "array":
            return [_fill(shape["items"], texts) for _ in range(LIST_LENGTH)]
        case "integer" | "number":
            return 0
        case "boolean":
            return True
        case _:
            return next(texts)


def empty_of(schema: dict[str, Any]) -> dict[str, Any]:
    """A value that fits, with nothing in it."""
    empty: dict[str, Any] = {"array": [], "integer": 0}
    return {name: empty.get(part.get("type"), "") for name, part in schema["properties"].items()}


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
