"""An explanation of a text for someone new to its subject, with its terms."""

from ai_worker.map_reduce import map_reduce
from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import Explanation, ExplanationDraft


async def make_explanation(job_input: JobInput, context: AttemptContext) -> Outcome:
    reduced = await map_reduce(Kind.EXPLANATION, job_input, context, ExplanationDraft)
    if isinstance(reduced, Fail):
        return reduced
    draft = reduced.draft
    if not draft.explanation.strip():
        return Fail(NoUsableText().problem)
    return reduced.to_outcome(
        Explanation(
            language=reduced.language,
            explanation=draft.explanation.strip(),
            terms=draft.terms,
            quality=reduced.quality,
        )
    )
