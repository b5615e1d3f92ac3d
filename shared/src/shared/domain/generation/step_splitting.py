"""Splits a planned call in two when its part of the text does not fit into the model's window."""

from msgspec.structs import replace

from shared.domain.generation.call_plan import OUTPUT_TOKENS, OUTPUT_TOKENS_PER_ITEM, PlannedStep
from shared.domain.generation.sizing import asked_items, share
from shared.domain.llm.prompts import instructions
from shared.domain.study.material import Difficulty
from shared.domain.text.chunking import split_text
from shared.domain.text.segmentation import Span, has_usable_sentence

MIN_CHARACTERS = 400
"""A part below this length is not split: a window that does not hold a paragraph is no use."""


def split_step(step: PlannedStep) -> list[PlannedStep]:
    """The calls that take the place of `step`, in the order of the text, with names that depend on nothing but the step. Their
    items add up to the step's. Empty when the part cannot be split."""
    source = step.prompt.source
    if len(source) < MIN_CHARACTERS:
        return []
    spans = [span for span in split_text(source, 2) if has_usable_sentence(span.of(source))]
    if not spans or spans == [Span(0, len(source))]:
        return []
    quotas = share(step.quota, [span.end - span.start for span in spans])
    return [
        _half(step, number, span, quota)
        for number, (span, quota) in enumerate(zip(spans, quotas, strict=True))
        if quota or not step.quota
    ]


def _half(step: PlannedStep, number: int, span: Span, quota: int) -> PlannedStep:
    prompt = step.prompt
    asked = asked_items(quota)
    half = replace(
        prompt,
        source=span.of(prompt.source),
        count=asked,
        max_output_tokens=OUTPUT_TOKENS[prompt.task] + asked * OUTPUT_TOKENS_PER_ITEM.get(prompt.task, 0),
        instructions=instructions(
            prompt.task,
            prompt.language,
            count=asked,
            difficulty=Difficulty(prompt.difficulty),
            is_merge=step.is_merge,
        ),
    )
    start = step.span.start
    return replace(
        step,
        name=f"{step.name}.{number}",
        prompt=half,
        span=step.span if step.is_merge else Span(start + span.start, start + span.end),
        quota=quota,
    )
