"""Turns a request for more items of a collection into the input of the job that makes them."""

from msgspec.structs import replace

from gateway.http.item_bodies import MoreItems
from shared.domain.errors import FieldProblem, InvalidFields, NotFound
from shared.domain.jobs.payload import ItemsInput
from shared.domain.study.material import Collection, Options
from shared.domain.text.segmentation import sections
from shared.domain.text.span import Span

MORE_CARDS, MORE_QUESTIONS = 5, 3
"""How many items are made if the request gives no count."""


def to_items_input(body: MoreItems, collection_id: str, material: Collection) -> ItemsInput:
    """Raises `InvalidFields`, and `NotFound` for an item that the collection does not have."""
    part, options = _part_of(body, material), _options_of(body, material)
    return ItemsInput(
        text=part.of(material.text),
        # what was bought of this part before is in the collection already
        options=replace(options, language=options.language or material.language, regenerate=True),
        collection_id=collection_id,
        start=part.start,
        known_cards=material.flashcards,
        known_questions=material.quiz,
    )


def _part_of(body: MoreItems, material: Collection) -> Span:
    """The part of the text that the request names, or the section of its item."""
    if body.item is not None:
        return _section_of(body.item, material)
    length = len(material.text)
    start, end = body.start or 0, length if body.end is None else body.end
    if end > length or start >= end:
        pointer = "/end" if end > length else "/start"
        raise InvalidFields(FieldProblem(pointer, "out_of_range", {"expected": f"0–{length}"}))
    return Span(start, end)


def _section_of(item_id: str, material: Collection) -> Span:
    for item in [*material.flashcards, *material.quiz]:
        if item.id == item_id:
            found = [one for one in sections(material.text) if one.start <= item.source.start < one.end]
            return found[0] if found else Span(0, len(material.text))
    raise NotFound


def _options_of(body: MoreItems, material: Collection) -> Options:
    """Raises `InvalidFields` for counts of 0, and for what does not go together with an item."""
    options = body.options
    if body.item is None:
        return _with_counts(options)
    if given := [name for name in ("start", "end") if getattr(body, name) is not None]:
        raise InvalidFields(*(FieldProblem(f"/{name}", "not_with_item") for name in given))
    if given := [name for name in ("flashcards", "questions") if getattr(options, name) is not None]:
        raise InvalidFields(*(FieldProblem(f"/options/{name}", "not_with_item") for name in given))
    is_card = any(card.id == body.item for card in material.flashcards)
    return replace(options, flashcards=int(is_card), questions=int(not is_card))


def _with_counts(options: Options) -> Options:
    if options.flashcards is None and options.questions is None:
        return replace(options, flashcards=MORE_CARDS, questions=MORE_QUESTIONS)
    counted = replace(options, flashcards=options.flashcards or 0, questions=options.questions or 0)
    if not counted.flashcards and not counted.questions:
        raise InvalidFields(FieldProblem("/options", "no_items"))
    return counted
