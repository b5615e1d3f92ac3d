"""A model that writes about four sentences in their language: every draft is made of the sentences that a test gives it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.simulators.scripted_server import Body, Response, completion

UNSPACED = frozenset({"th", "ja", "zh"})


def text_of(language: str, sentences: Sequence[str]) -> str:
    return ("" if language in UNSPACED else " ").join(sentences)


def write_in(language: str, sentences: Sequence[str]) -> Callable[[Body], Response]:
    """Answers every request with drafts in the language of the sentences."""
    return lambda body: completion(json.dumps(draft(schema_of(body), language, sentences)))


def schema_of(body: Body) -> dict[str, Any]:
    return body["response_format"]["json_schema"]["schema"]


def draft(schema: dict[str, Any], language: str, sentences: Sequence[str]) -> dict[str, Any]:
    asked = schema["properties"].keys()
    values: dict[str, Any] = {
        "cards": [_card(language, sentence) for sentence in sentences[1:]],
        "questions": [_question(language, index, sentences) for index in range(1, len(sentences))],
        "summary": sentences[-1],
        "key_points": list(sentences[:3]),
        "explanation": sentences[-1],
        "terms": [{"term": gap(language, sentences[2]), "meaning": sentences[2]}],
        "title": sentences[1],
        "sections": [{"heading": sentences[0], "points": list(sentences[1:])}],
        "text": "\n\n".join(sentences),
    }
    return {name: values[name] for name in asked}


def gap(language: str, sentence: str) -> str:
    """The longest word of a sentence, or four characters in the middle where no space parts words."""
    if language in UNSPACED:
        middle = len(sentence) // 2
        return sentence[middle - 2 : middle + 2]
    return max(sentence.rstrip(".։।።").split(), key=len).strip(",،፤„“»«")


def _card(language: str, sentence: str) -> dict[str, str]:
    answer = gap(language, sentence)
    return {"front": sentence.replace(answer, "____"), "back": answer, "quote": sentence}


def _question(language: str, index: int, sentences: Sequence[str]) -> dict[str, Any]:
    sentence = sentences[index]
    answer = gap(language, sentence)
    wrong = [f"{answer[: len(answer) // 2]}{ending}" for ending in ("qa", "wo", "xu")]
    return {
        "question": sentence.replace(answer, "____"),
        "options": [answer, *wrong],
        "answer": 0,
        "explanation": sentence,
        "quote": sentence,
    }
