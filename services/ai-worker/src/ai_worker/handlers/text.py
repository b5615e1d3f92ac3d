"""A study note on a text, in Markdown."""

from ai_worker.map_reduce import make_whole
from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Text, TextDraft


async def make_text(job_input: JobInput, context: AttemptContext) -> Outcome:
    whole = await make_whole(Kind.TEXT, job_input, context, TextDraft)
    if isinstance(whole, Fail):
        return whole
    if not whole.draft.text.strip():
        return Fail(NoUsableText().problem)
    return whole.finish(Text(language=whole.language, text=whole.draft.text.strip()))
