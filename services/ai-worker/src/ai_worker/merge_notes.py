"""The draft on one part of a long text, written out as the note that the merge starts from. Nothing is said twice."""

from msgspec import Struct

from shared.domain.study.material import ExplanationDraft, OutlineDraft, SummaryDraft, TextDraft


def write_note(draft: Struct) -> str:
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
