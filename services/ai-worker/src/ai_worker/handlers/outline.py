"""The outline of a text: its sections and their points."""

from ai_worker.map_reduce import map_reduce
from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Outline, OutlineDraft


async def make_outline(job_input: JobInput, context: AttemptContext) -> Outcome:
    reduced = await map_reduce(Kind.OUTLINE, job_input, context, OutlineDraft)
    if isinstance(reduced, Fail):
        return reduced
    sections = [section for section in reduced.draft.sections if section.points]
    if not sections:
        return Fail(NoUsableText().problem)
    return reduced.to_outcome(
        Outline(
            language=reduced.language,
            title=reduced.draft.title.strip(),
            sections=sections,
            quality=reduced.quality,
        )
    )
