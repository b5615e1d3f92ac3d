"""Says whether a model wrote in the language that was wanted."""

from collections.abc import Iterator, Sequence

from shared.domain.study.material import (
    CardDraft,
    CardDrafts,
    ExplanationDraft,
    ItemDrafts,
    OutlineDraft,
    QuestionDraft,
    QuestionDrafts,
    SummaryDraft,
    TextDraft,
)
from shared.domain.text.language_detection import is_surely_other


def is_in_other_language(draft: object, language: str) -> bool:
    """Whether a draft as a whole, or most of its items, are without doubt in another language. Quotes do not count: they are the
    source's."""
    items = _items_of(draft)
    is_whole_other = is_surely_other("\n".join(_texts(draft)), language)
    return is_whole_other or 2 * count_in_language(draft, language) < len(items)


def count_in_language(draft: object, language: str) -> int:
    """How many items of a draft are not in another language. A draft without items counts as one."""
    items = _items_of(draft) or [draft]
    return sum(not _is_item_other(item, language) for item in items)


def _items_of(draft: object) -> Sequence[object]:
    match draft:
        case ItemDrafts(cards=cards, questions=questions):
            return [*cards, *questions]
        case CardDrafts(cards=cards):
            return cards
        case QuestionDrafts(questions=questions):
            return questions
        case _:
            return ()


def _is_item_other(item: object, language: str) -> bool:
    """As the check of items decides: by the front or the question, or by all texts together."""
    texts = list(_texts(item))
    return any(is_surely_other(text, language) for text in (*texts[:1], " ".join(texts)))


def _texts(draft: object) -> Iterator[str]:
    match draft:
        case ItemDrafts() | CardDrafts() | QuestionDrafts():
            for item in _items_of(draft):
                yield from _texts(item)
        case CardDraft(front=front, back=back):
            yield from (front, back)
        case QuestionDraft(question=question, options=options, explanation=explanation):
            yield from (question, *options, explanation)
        case SummaryDraft(summary=summary, key_points=points):
            yield from (summary, *points)
        case ExplanationDraft(explanation=explanation, terms=terms):
            yield from (explanation, *(term.meaning for term in terms))
        case OutlineDraft(title=title, sections=sections):
            yield title
            for section in sections:
                yield from (section.heading, *section.points)
        case TextDraft(text=text):
            yield text
        case _:
            return
