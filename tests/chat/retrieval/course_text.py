"""A long text with four facts, each alone among paragraphs about something else."""

from typing import Any

from tests.factories import make_collection

from chat.retrieval.passage_index import MAX_PASSAGES, PassageIndex
from chat.retrieval.question_words import weigh_words
from shared.domain.chat import ChatRole, ChatTurn
from shared.domain.text.span import Span

FACTS = {
    "chlorophyll": "Chlorophyll absorbs red and blue light, and reflects the green that we see.",
    "stomata": "Stomata are small pores through which carbon dioxide enters the leaf.",
    "glucose": "The Calvin cycle turns carbon dioxide into glucose without any light.",
    "racines": "Les racines puisent dans le sol l’eau et les sels minéraux dont la plante a besoin.",
}


def padding(number: int) -> str:
    """A paragraph about something else, as long as a passage."""
    return " ".join(
        f"The harbour of town number {number} was rebuilt in the year {1500 + number + i} after a great storm."
        for i in range(7)
    )


def long_text(*facts: str) -> str:
    """Each fact alone in a sea of other paragraphs."""
    blocks = [padding(i) for i in range(20)]
    for place, fact in zip(range(2, 20, 4), facts, strict=False):
        blocks.insert(place, fact)
    return "\n\n".join(blocks)


TEXT = long_text(*FACTS.values())


def choose(text: str, *turns: str, limit: int = MAX_PASSAGES, **collection: Any) -> list[Span]:
    """The passages for a conversation of learner and tutor, on a collection that has no items unless some are given."""
    made = make_collection(**{"flashcards": [], "quiz": [], **collection}, text=text)
    roles = (ChatRole.USER, ChatRole.ASSISTANT)
    conversation = [ChatTurn(roles[i % 2], turn) for i, turn in enumerate(turns)]
    return PassageIndex(made).choose(weigh_words(conversation), limit=limit)
