"""Splits a planned call in two when its part of the text does not fit into the model's window."""

from msgspec.structs import replace

from shared.domain.generation.call_plan import PlannedStep, max_output_tokens
from shared.domain.generation.sizing import asked_items, share
from shared.domain.llm.prompts import request
from shared.domain.study.material import ItemCounts
from shared.domain.text.chunking import split_text
from shared.domain.text.numbering import NumberedText
from shared.domain.text.segments import has_usable_segment
from shared.domain.text.span import Span

MIN_CHARACTERS = 400
"""A part below this length is not split: a window that does not hold a paragraph is no use."""
HALF = 0.6
"""Size of the parts of a part, as a fraction of it. It makes two of them, neither shorter than a quarter of the whole."""


def split_step(step: PlannedStep) -> list[PlannedStep]:
    """The calls that take the place of `step`, in the order of the text, with names that depend on nothing but the step. Their
    items add up to the step's. Empty when the part cannot be split."""
    source = step.prompt.source
    if len(source) < MIN_CHARACTERS:
        return []
    spans = [span for span in split_text(source, len(source) * HALF) if has_usable_segment(span.of(source))]
    if not spans or spans == [Span(0, len(source))]:
        return []
    lengths = [span.end - span.start for span in spans]
    cards, questions = share(step.quota.cards, lengths), share(step.quota.questions, lengths)
    return [
        _half(step, number, span, quota)
        for number, (span, *counts) in enumerate(zip(spans, cards, questions, strict=True))
        if (quota := ItemCounts(*counts)).total or not step.quota.total
    ]


def _half(step: PlannedStep, number: int, span: Span, quota: ItemCounts) -> PlannedStep:
    prompt = step.prompt
    asked = ItemCounts(asked_items(quota.cards), asked_items(quota.questions))
    source = span.of(prompt.source)
    half = replace(
        prompt,
        source=source,
        numbered_source=NumberedText(source).write() if asked.total else "",
        counts=asked,
        max_output_tokens=max_output_tokens(prompt.task, asked),
        request=request(step.tasks, prompt.language, asked, is_merge=step.is_merge),
    )
    start = step.span.start
    return replace(
        step,
        name=f"{step.name}.{number}",
        prompt=half,
        span=step.span if step.is_merge else Span(start + span.start, start + span.end),
        quota=quota,
    )
