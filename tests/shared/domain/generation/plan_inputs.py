"""Inputs of every kind for the tests of plans and holds."""

from hypothesis import strategies as st

from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import AiInput, CollectionInput, ItemsInput, JobInput
from shared.domain.study.material import Options
from shared.domain.text.language import Language

SENTENCE = "La photosynthèse transforme la lumière du soleil en énergie chimique pour la plante. "
kinds = st.sampled_from(list(Kind))
options = st.builds(
    Options,
    language=st.none() | st.sampled_from(list(Language)),
    flashcards=st.none() | st.integers(0, 120),
    questions=st.none() | st.integers(0, 120),
)


def make_input(kind: Kind, text: str, choice: Options | None = None) -> JobInput:
    chosen = choice or Options()
    match kind:
        case Kind.COLLECTION:
            return CollectionInput(text=text, options=chosen)
        case Kind.ITEMS:
            return ItemsInput(text=text, options=chosen, collection_id="")
        case _:
            return AiInput(text=text, options=chosen)
