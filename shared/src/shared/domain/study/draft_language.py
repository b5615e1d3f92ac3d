"""Says whether a model wrote in the language that was wanted."""

from collections.abc import Iterator

from shared.domain.study.material import (
    CardDrafts,
    ExplanationDraft,
    ItemDrafts,
    OutlineDraft,
    QuestionDrafts,
    SummaryDraft,
    TextDraft,
)
from shared.domain.text.language_detection import is_surely_other


def is_in_other_language(draft: object, language: str) -> bool:
    """Whether a draft as a whole is, without doubt, in another language. Quotes do not count: they are the source's."""
    return is_surely_other("\n".join(_texts(draft)), language)


def _texts(draft: object) -> Iterator[str]:
    match draft:
        case ItemDrafts(cards=cards, questions=questions):
            yield from _texts(CardDrafts(cards))
            yield from _texts(QuestionDrafts(questions))
        case CardDrafts(cards=cards):
            for card in cards:
                yield from (card.front, card.back)
        case QuestionDrafts(questions=questions):
            for question in questions:
                yield from (question.question, *question.options, question.explanation)
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
