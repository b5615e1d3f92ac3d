"""Makes more items of a collection that is there, from its whole text or from a part of it."""

from shared.domain.errors import UnknownWire
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import WIRE_VERSION, ItemsInput, JobInput
from shared.domain.study.material import MadeItems
from shared.runtime.generation.call_runner import make_outcome
from shared.runtime.generation.item_pipeline import make_items


async def add_items(job_input: JobInput, context: AttemptContext) -> Outcome:
    """Make the items. They join the collection in the transaction that saves the job. Without a new item the job fails."""
    if not isinstance(job_input, ItemsInput):
        raise UnknownWire(kind=Kind.ITEMS, version=WIRE_VERSION)
    material = await make_items(Kind.ITEMS, job_input, context)
    if not material.cards and not material.questions:
        return Fail(material.problem)
    result = MadeItems(
        collection_id=job_input.collection_id,
        language=material.language,
        flashcards=material.cards,
        quiz=material.questions,
        quality=material.quality,
    )
    return make_outcome(result, material.calls.completions.values())
