"""The outline of a text: its sections and their points."""

from ai_worker.map_reduce import make_whole
from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Outline, OutlineDraft


async def make_outline(job_input: JobInput, context: AttemptContext) -> Outcome:
    whole = await make_whole(Kind.OUTLINE, job_input, context, OutlineDraft)
    if isinstance(whole, Fail):
        return whole
    sections = [section for section in whole.draft.sections if section.points]
    if not sections:
        return Fail(NoUsableText().problem)
    return whole.finish(Outline(language=whole.language, title=whole.draft.title.strip(), sections=sections))
