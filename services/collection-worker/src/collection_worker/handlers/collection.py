"""Makes a study collection from a document: cards and questions, with a report on their quality."""

import re

from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import CollectionInput, JobInput
from shared.domain.study.material import Collection
from shared.domain.text.segmentation import BlockKind, blocks, sentences
from shared.domain.text.titles import clean_title
from shared.runtime.generation.call_runner import make_outcome
from shared.runtime.generation.item_pipeline import make_items

MAX_TITLE_CHARACTERS = 80
TITLE_SEARCH_CHARACTERS = 4_000
"""Characters at the start of a document in which its title is looked for."""


async def make_collection(job_input: JobInput, context: AttemptContext) -> Outcome:
    """Make the collection. `quality` reports parts whose call failed for good; without any item the job fails."""
    material = await make_items(Kind.COLLECTION, job_input, context)
    if not material.cards and not material.questions:
        return Fail(material.problem)
    given = job_input.title if isinstance(job_input, CollectionInput) else ""
    result = Collection(
        title=clean_title(given) or clean_title(find_title(job_input.text)),
        language=material.language,
        flashcards=material.cards,
        quiz=material.questions,
        quality=material.quality,
        text=job_input.text,
    )
    return make_outcome(result, material.calls.completions.values())


def find_title(text: str) -> str:
    """Return the document's first heading, or else its first sentence, on one line and cut at a word."""
    start = text[:TITLE_SEARCH_CHARACTERS]
    headings = [block.span for block in blocks(start) if block.kind is BlockKind.HEADING]
    for span in [*headings[:1], *sentences(start)[:1]]:
        return _shorten(re.sub(r"\s+", " ", span.of(start)).strip(" .*_#。．।։።"))
    return _shorten(" ".join(start.split()))


def _shorten(title: str) -> str:
    if len(title) <= MAX_TITLE_CHARACTERS:
        return title
    cut = title[: MAX_TITLE_CHARACTERS - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:") + "…"
