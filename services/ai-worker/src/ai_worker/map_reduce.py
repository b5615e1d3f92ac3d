"""Map-reduce over a long text: one call drafts on each part, and a last call merges the notes into one draft."""

from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

from ai_worker.merge_notes import write_note
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.domain.errors import NoUsableText
from shared.domain.generation.call_plan import plan_merge, plan_steps
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Done, Fail
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.provider import Completion
from shared.domain.provider_errors import ContextTooLong
from shared.domain.study.draft_language import is_in_other_language
from shared.domain.study.material import NoteQuality, Result
from shared.runtime.generation.call_runner import completion_language, make_outcome, run_calls

DraftT = TypeVar("DraftT", bound=Struct)

MAX_MERGES = 4
"""Rounds in which notes are merged. One is enough unless the notes do not fit into the model's window."""


class ReducedDraft(Struct, Generic[DraftT], frozen=True, kw_only=True):
    """The draft on the whole text, with every completion that contributed to it."""

    draft: DraftT
    language: str
    quality: NoteQuality | UnsetType
    completions: list[Completion[Struct]]

    def to_outcome(self, result: Result) -> Done:
        return make_outcome(result, self.completions)


async def map_reduce(
    kind: Kind, job_input: JobInput, context: AttemptContext, schema: type[DraftT]
) -> ReducedDraft[DraftT] | Fail:
    """Draft on the whole text. It fails if any part fails, because a summary must not silently leave out a chapter."""
    steps = await run_in_cpu_pool(plan_steps, kind, job_input)
    if not steps:
        return Fail(NoUsableText().problem)
    results = await run_calls(steps, context, after=1 if len(steps) > 1 else 0)
    completions = drafts = list(results.completions.values())
    for level in range(MAX_MERGES):
        if len(drafts) == 1 or results.failed:
            break
        merge = plan_merge(kind, job_input, [write_note(one.value) for one in drafts], level=level)
        results = await run_calls([merge], context, before=len(steps))
        drafts = list(results.completions.values())
        completions = [*completions, *drafts]
    for error in results.failed.values():
        return Fail(error.problem)
    if len(drafts) > 1:
        return Fail(ContextTooLong().problem)
    draft = completions[-1].value
    if not isinstance(draft, schema):
        raise TypeError(f"{kind} drafts a {schema.__name__}")
    language = completion_language(job_input, completions[-1])
    differs = await run_in_cpu_pool(is_in_other_language, draft, language)
    return ReducedDraft(
        draft=draft,
        language=language,
        quality=NoteQuality(language_differs=True) if differs else UNSET,
        completions=completions,
    )
