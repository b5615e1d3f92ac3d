"""Writes the drafts on parts of a long text as notes, which are the input of the merging call."""

from msgspec import Struct

from shared.domain.study.material import ExplanationDraft, OutlineDraft, SummaryDraft, TextDraft


def write_note(draft: Struct) -> str:
    """Write a draft as plain text. Key points that the summary already contains are left out."""
    match draft:
        case SummaryDraft(summary=summary, key_points=points):
            return "\n".join([summary, *_bullets([point for point in points if point not in summary])])
        case ExplanationDraft(explanation=explanation, terms=terms):
            return "\n".join([explanation, *_bullets([f"{one.term}: {one.meaning}" for one in terms])])
        case OutlineDraft(sections=sections):
            return "\n\n".join(
                "\n".join([f"## {section.heading}", *_bullets(section.points)]) for section in sections
            )
        case TextDraft(text=text):
            return text
        case _:
            raise TypeError(f"no note is written from a {type(draft).__name__}")


def _bullets(points: list[str]) -> list[str]:
    return [f"- {point}" for point in points]
