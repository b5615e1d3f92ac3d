"""Moodle's XML: multiple choice for questions, a short or a free answer for cards."""

from xml.etree.ElementTree import Element, SubElement, tostring

from gateway.exports.exported_collection import ExportedCollection, Item, quote_of
from gateway.exports.gift_text import is_short
from gateway.exports.xml_text import xml_safe
from shared.domain.study.material import Flashcard, QuizQuestion


def to_moodle_xml(collection: ExportedCollection) -> bytes:
    quiz = Element("quiz")
    category = SubElement(quiz, "question", type="category")
    _text(category, "category", f"$course$/{collection.material.title.replace('/', '//')}")
    _text(category, "info", collection.made_by, format="plain_text")
    for item in collection.items:
        _add_question(quiz, collection, item)
    return tostring(quiz, encoding="utf-8", xml_declaration=True)


def _add_question(quiz: Element, collection: ExportedCollection, item: Item) -> None:
    is_card = isinstance(item, Flashcard)
    kind = "multichoice" if not is_card else "shortanswer" if is_short(item) else "essay"
    text = item.front if is_card else item.question
    question = SubElement(quiz, "question", type=kind)
    _text(question, "name", " ".join(text.split())[:80])
    _text(question, "questiontext", text, format="plain_text")
    _text(question, "generalfeedback", _feedback(item), format="plain_text")
    SubElement(question, "defaultgrade").text = "1"
    SubElement(question, "idnumber").text = collection.stable_id(item)
    if not is_card:
        _add_options(question, item)
    elif is_short(item):
        SubElement(question, "usecase").text = "0"
        _add_answer(question, item.back, fraction=100)
    else:
        _text(question, "graderinfo", item.back, format="plain_text")
    tags = SubElement(question, "tags")
    for tag in collection.tags_of(item):
        _text(tags, "tag", tag)


def _add_options(element: Element, question: QuizQuestion) -> None:
    SubElement(element, "single").text = "true"
    SubElement(element, "shuffleanswers").text = "true"
    SubElement(element, "answernumbering").text = "ABCD"
    for option in question.options:
        _add_answer(element, option.text, fraction=100 if option.correct else 0)


def _add_answer(element: Element, text: str, *, fraction: int) -> None:
    _text(element, "answer", text, fraction=str(fraction), format="plain_text")


def _feedback(item: Item) -> str:
    said = [item.back if not is_short(item) else ""] if isinstance(item, Flashcard) else [item.explanation]
    return "\n".join([*filter(None, said), *filter(None, [quote_of(item)])])


def _text(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(SubElement(parent, name, attributes), "text").text = xml_safe(text)
