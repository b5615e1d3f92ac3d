"""Flashcards from a text."""

from shared.domain.job import Kind
from shared.domain.outcome import Fail, Outcome
from shared.domain.study import Flashcards
from shared.domain.wire import JobInput
from shared.domain.work import Work
from shared.runtime.calls import done
from shared.runtime.drafting import make_items


async def make_flashcards(job_input: JobInput, work: Work) -> Outcome:
    material = await make_items(Kind.FLASHCARDS, job_input, work)
    if not material.cards:
        return Fail(material.problem)
    result = Flashcards(language=material.language, flashcards=material.cards, quality=material.quality)
    return done(result, material.answers.completions.values())
