"""Builds the prompt for one question from the conversation and passages, and bounds its tokens."""

from collections.abc import Callable

from msgspec import Struct

from chat.retrieval.collection_cache import IndexedCollection
from chat.retrieval.question_rewriter import needs_rewriting
from chat.retrieval.question_words import weigh_words
from shared.domain.chat import ChatQuestion, Retrieval
from shared.domain.llm.prompts import instructions
from shared.domain.llm.provider import Message, Task
from shared.domain.study.material import Collection
from shared.domain.text.language import Language, rules_language
from shared.domain.text.language_detection import detect_language, sure_language
from shared.domain.text.language_names import language_name
from shared.domain.text.span import Span

MAX_ANSWER_TOKENS = 2_000
"""Completion budget of one answer, in tokens: a page of text after some reasoning."""
TOKENS_PER_PART = 60
"""Tokens that a turn or a passage costs beside its text: its role, its delimiters, and a different tokenization in context."""

_UNGROUNDED_INSTRUCTIONS = {
    Language.EN: "You are a tutor. Answer the learner's question in {language}, briefly and correctly. If you do not"
    " know, say so plainly and do not guess.",
    Language.FR: "Tu es un tuteur. Réponds en français à la question de l’élève, brièvement et exactement. Si tu ne"
    " sais pas, dis-le franchement et ne devine pas.",
}


class ChatPrompt(Struct, frozen=True, kw_only=True):
    messages: list[Message]
    """With passages the provider adds the instructions; without, the first message holds them."""
    language: str
    text: str = ""
    """The text of the collection; empty without a collection."""
    passages: list[Span] = []
    """The spans of `text` that the answer may quote."""
    retrieval: Retrieval | None = None
    """How the passages were found; None without a collection."""
    needs_rewriting: bool = False
    """Whether a model would find better passages than the words of the question do."""

    @property
    def sources(self) -> list[str]:
        return [span.of(self.text) for span in self.passages]

    def prompt_tokens(self, count: Callable[[str], int]) -> int:
        """An upper bound for the tokens that the provider will count."""
        ours = instructions((Task.CHAT,), self.language)
        parts = [ours, *(message.content for message in self.messages), *self.sources]
        return sum(count(part) + TOKENS_PER_PART for part in parts)


def build_prompt(question: ChatQuestion, indexed: IndexedCollection | None) -> ChatPrompt:
    """The time grows with the text of the collection: about 10 ms per megabyte."""
    language = question.language or _guess_language(question, indexed.collection if indexed else None)
    turns = [Message(turn.role, turn.content) for turn in question.messages]
    if indexed is None:
        return ChatPrompt(messages=[Message("system", _instruct(language)), *turns], language=language)
    return ChatPrompt(
        messages=turns,
        language=language,
        text=indexed.collection.text,
        passages=indexed.index.choose(weigh_words(question.messages)),
        retrieval=Retrieval.LEXICAL,
        needs_rewriting=needs_rewriting(question.messages, indexed),
    )


def _guess_language(question: ChatQuestion, collection: Collection | None) -> str:
    last = question.user_turns[-1]
    if collection is None:
        return detect_language(last)
    return sure_language(last) or collection.language


def _instruct(language: str) -> str:
    rules = _UNGROUNDED_INSTRUCTIONS[rules_language(language) or Language.EN]
    return rules.format(language=language_name(language))
