"""Reads a question whose options or answer have another form than the schema's: objects, letters, or the option's own text."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import cast

Fields = Mapping[str, object]

OPTION_TEXTS = ("text", "option", "value", "content", "answer")
OPTION_LABELS = ("id", "label", "key", "letter")
CORRECT_FLAGS = ("correct", "is_correct", "isCorrect")
ANSWERS = (
    "answer",
    "correct_answer",
    "correctAnswer",
    "correct_option",
    "answer_index",
    "correct_index",
    "correct",
)
ANSWER_PARTS = ("index", "id", "label", "letter", "text", "option", "value")
_LETTER = re.compile(r"(?:option\s+)?\(?([A-Za-z])(?:[).:](?:\s.*)?)?", re.IGNORECASE | re.DOTALL)
"""`B`, `b)`, `Option B`, `B. its text`."""
_LETTERED = re.compile(r"\(?([A-Za-z])[).:]\s+(?=\S)")


def mend_question(question: Fields) -> dict[str, object]:
    """The question with its options as texts and its answer as an index, as far as they can be read."""
    options = question.get("options")
    entries = _entries(options)
    if not entries:
        return {**question}
    labels = [_label_of(entry, number) for number, entry in enumerate(entries)]
    texts = _without_letters([_text_of(entry) for entry in entries])
    answer = next((question[name] for name in ANSWERS if question.get(name) is not None), None)
    index = _index_of(answer, texts, labels)
    if index is None:
        index = _flagged(entries)
    mended = {**question, "options": texts}
    return mended if index is None else mended | {"answer": index}


def _entries(options: object) -> Sequence[object]:
    """Options by letter become objects with a label."""
    if isinstance(options, dict):
        return [{"label": label, "text": text} for label, text in cast(dict[str, object], options).items()]
    return cast(list[object], options) if isinstance(options, list) else []


def _text_of(entry: object) -> object:
    return _first(cast(Fields, entry), OPTION_TEXTS) if isinstance(entry, dict) else entry


def _label_of(entry: object, number: int) -> str:
    label = _first(cast(Fields, entry), OPTION_LABELS) if isinstance(entry, dict) else None
    return str(label).strip().lower() if label is not None else chr(ord("a") + number)


def _without_letters(texts: Sequence[object]) -> list[object]:
    """The texts without `A)`, `B)` and so on, where they are lettered in order."""
    found = [_LETTERED.match(text) if isinstance(text, str) else None for text in texts]
    letters = "".join(match[1].lower() for match in found if match)
    if len(letters) < len(texts) or letters != "abcdefghijklmnopqrstuvwxyz"[: len(texts)]:
        return list(texts)
    return [str(text)[match.end() :] for text, match in zip(texts, found, strict=True) if match]


def _index_of(answer: object, texts: Sequence[object], labels: Sequence[str]) -> object:
    """The index that the answer means; None where it means none."""
    match answer:
        case bool():
            return None
        case int() | float():
            return answer
        case list() if len(only := cast(list[object], answer)) == 1:
            return _index_of(only[0], texts, labels)
        case dict():
            return _index_of(_first(cast(Fields, answer), ANSWER_PARTS), texts, labels)
        case str():
            return _index_of_text(answer.strip(), texts, labels)
        case _:
            return None


def _index_of_text(answer: str, texts: Sequence[object], labels: Sequence[str]) -> int | None:
    """The option's text goes before its letter: an option may be a letter."""
    letter = _LETTER.fullmatch(answer)
    readings: list[Callable[[], int]] = [
        lambda: [str(text).strip().casefold() for text in texts].index(answer.casefold()),
        lambda: labels.index(answer.lower()),
        lambda: int(answer),
        lambda: labels.index(letter[1].lower() if letter else ""),
    ]
    for read in readings:
        try:
            return read()
        except ValueError:
            continue
    return None


def _flagged(entries: Sequence[object]) -> int | None:
    flags = [
        isinstance(entry, dict) and _first(cast(Fields, entry), CORRECT_FLAGS) is True for entry in entries
    ]
    return flags.index(True) if flags.count(True) == 1 else None


def _first(fields: Fields, names: Sequence[str]) -> object:
    return next((fields[name] for name in names if fields.get(name) is not None), None)
