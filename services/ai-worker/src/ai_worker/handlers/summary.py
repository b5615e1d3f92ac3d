"""A summary of a text, with its key points."""

from ai_worker.map_reduce import make_whole
from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Summary, SummaryDraft


async def make_summary(job_input: JobInput, context: AttemptContext) -> Outcome:
    whole = await make_whole(Kind.SUMMARY, job_input, context, SummaryDraft)
    if isinstance(whole, Fail):
        return whole
    draft = whole.draft
    if not draft.summary.strip():
        return Fail(NoUsableText().problem)
    return whole.finish(
        Summary(language=whole.language, summary=draft.summary.strip(), key_points=draft.key_points)
    )
