"""A study note on a text, in Markdown."""

from ai_worker.map_reduce import map_reduce
from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Text, TextDraft


async def make_text(job_input: JobInput, context: AttemptContext) -> Outcome:
    reduced = await map_reduce(Kind.TEXT, job_input, context, TextDraft)
    if isinstance(reduced, Fail):
        return reduced
    if not reduced.draft.text.strip():
        return Fail(NoUsableText().problem)
    return reduced.to_outcome(
        Text(language=reduced.language, text=reduced.draft.text.strip(), quality=reduced.quality)
    )
