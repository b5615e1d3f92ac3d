"""Flashcards from a text."""

from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Flashcards
from shared.runtime.generation.call_runner import make_outcome
from shared.runtime.generation.item_pipeline import make_items


async def make_flashcards(job_input: JobInput, context: AttemptContext) -> Outcome:
    material = await make_items(Kind.FLASHCARDS, job_input, context)
    if not material.cards:
        return Fail(material.problem)
    result = Flashcards(language=material.language, flashcards=material.cards, quality=material.quality)
    return make_outcome(result, material.calls.completions.values())
