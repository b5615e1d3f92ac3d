"""The outline of a text: its sections and their points."""

from ai_worker.whole import make_whole
from shared.domain.errors import NoUsableText
from shared.domain.job import Kind
from shared.domain.outcome import Fail, Outcome
from shared.domain.study import Outline, OutlineDraft
from shared.domain.wire import JobInput
from shared.domain.work import Work


async def make_outline(job_input: JobInput, work: Work) -> Outcome:
    whole = await make_whole(Kind.OUTLINE, job_input, work, OutlineDraft)
    if isinstance(whole, Fail):
        return whole
    sections = [section for section in whole.draft.sections if section.points]
    if not sections:
        return Fail(NoUsableText().problem)
    return whole.finish(Outline(language=whole.language, title=whole.draft.title.strip(), sections=sections))
