"""A summary of a text, with its key points."""

from ai_worker.map_reduce import map_reduce
from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Summary, SummaryDraft


async def make_summary(job_input: JobInput, context: AttemptContext) -> Outcome:
    reduced = await map_reduce(Kind.SUMMARY, job_input, context, SummaryDraft)
    if isinstance(reduced, Fail):
        return reduced
    draft = reduced.draft
    if not draft.summary.strip():
        return Fail(NoUsableText().problem)
    return reduced.to_outcome(
        Summary(
            language=reduced.language,
            summary=draft.summary.strip(),
            key_points=draft.key_points,
            quality=reduced.quality,
        )
    )
