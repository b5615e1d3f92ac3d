"""A multiple-choice quiz from a text."""

from shared.domain.job import Kind
from shared.domain.outcome import Fail, Outcome
from shared.domain.study import Quiz
from shared.domain.wire import JobInput
from shared.domain.work import Work
from shared.runtime.calls import done
from shared.runtime.drafting import make_items


async def make_quiz(job_input: JobInput, work: Work) -> Outcome:
    material = await make_items(Kind.QUIZ, job_input, work)
    if not material.questions:
        return Fail(material.problem)
    result = Quiz(language=material.language, quiz=material.questions, quality=material.quality)
    return done(result, material.answers.completions.values())
