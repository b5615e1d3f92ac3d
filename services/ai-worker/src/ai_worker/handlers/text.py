"""A study note on a text, in Markdown."""

from ai_worker.whole import make_whole
from shared.domain.errors import NoUsableText
from shared.domain.job import Kind
from shared.domain.outcome import Fail, Outcome
from shared.domain.study import Text, TextDraft
from shared.domain.wire import JobInput
from shared.domain.work import Work


async def make_text(job_input: JobInput, work: Work) -> Outcome:
    whole = await make_whole(Kind.TEXT, job_input, work, TextDraft)
    if isinstance(whole, Fail):
        return whole
    if not whole.draft.text.strip():
        return Fail(NoUsableText().problem)
    return whole.finish(Text(language=whole.language, text=whole.draft.text.strip()))
