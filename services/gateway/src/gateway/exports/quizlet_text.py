"""Text for Quizlet's import: term, tab, definition, one card on each line."""

from gateway.exports.exported_collection import ExportedCollection, Item, right_option
from shared.domain.study.material import Flashcard


def to_quizlet_text(collection: ExportedCollection) -> bytes:
    rows = ("\t".join(_one_line(side) for side in _sides(item)) for item in collection.items)
    return "".join(f"{row}\n" for row in rows).encode()


def _sides(item: Item) -> tuple[str, str]:
    if isinstance(item, Flashcard):
        return item.front, item.back
    options = " ".join(f"{option.id.upper()}) {option.text}" for option in item.options)
    answer = right_option(item)
    return f"{item.question} {options}", f"{answer.id.upper()}) {answer.text}. {item.explanation}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
