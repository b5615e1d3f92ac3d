"""What the provider is given for one question: the conversation and passages; and what that may cost at most."""

from collections.abc import Callable

from msgspec import Struct

from chat.passage_retrieval import choose_passages
from chat.schemas import Question
from shared.domain.llm.prompts import instructions
from shared.domain.llm.provider import Message, Task
from shared.domain.study.material import Collection
from shared.domain.text.language import Language
from shared.domain.text.language_detection import detect_language, sure_language
from shared.domain.text.segmentation import Span

MAX_ANSWER_TOKENS = 2_000
"""What a model that thinks before it speaks needs for an answer of a page."""
TOKENS_PER_PART = 60
"""What a turn or a passage costs beside its text: its role, its fence, and words that merge differently in context."""

_FREELY = {
    Language.EN: "You are a tutor. Answer the learner's question in English, briefly and correctly. If you do not"
    " know, say so plainly and do not guess.",
    Language.FR: "Tu es un tuteur. Réponds en français à la question de l’élève, brièvement et exactement. Si tu ne"
    " sais pas, dis-le franchement et ne devine pas.",
}


class Brief(Struct, frozen=True, kw_only=True):
    messages: list[Message]
    """With passages the provider says what to do with them; without, the first message says how to answer."""
    language: Language
    text: str = ""
    """The collection's source; empty without one."""
    passages: list[Span] = []
    """Of `text`: what the answer may quote."""

    @property
    def sources(self) -> list[str]:
        return [span.of(self.text) for span in self.passages]

    def prompt_tokens(self, count: Callable[[str], int]) -> int:
        """Never below what the provider will count for the prompt."""
        ours = instructions(Task.CHAT, self.language)
        parts = [ours, *(message.content for message in self.messages), *self.sources]
        return sum(count(part) + TOKENS_PER_PART for part in parts)


def write_brief(question: Question, collection: Collection | None) -> Brief:
    """Takes time that grows with the collection's text: a tenth of a second for a megabyte."""
    language = question.language or _guess_language(question, collection)
    turns = [Message(turn.role, turn.content) for turn in question.messages]
    if collection is None:
        return Brief(messages=[Message("system", _FREELY[language]), *turns], language=language)
    return Brief(
        messages=turns,
        language=language,
        text=collection.text,
        passages=choose_passages(collection.text, question.asked),
    )


def _guess_language(question: Question, collection: Collection | None) -> Language:
    last = question.asked[-1]
    if collection is None:
        return detect_language(last)
    return sure_language(last) or Language(collection.language)
