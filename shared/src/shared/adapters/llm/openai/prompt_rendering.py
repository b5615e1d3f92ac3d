"""The words a model is sent: our instructions as the system message, what learners wrote fenced as data.

A fence carries a digest of what it holds, so no text can close its own fence. `planning.RENDERING_TOKENS` bounds what
is added here to instructions and source, `planning.REASK_TOKENS` what a re-ask adds.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypedDict

from shared.adapters.llm.token_counter import count_tokens, without_surrogates
from shared.domain.llm.prompts import instructions
from shared.domain.llm.provider import Message, Prompt, Task
from shared.domain.text.language import Language

MAX_REASON_CHARACTERS = 200
"""Of a validation error sent back: enough to say which field, few enough for what the budget holds."""
MESSAGE_TOKENS = 4
"""What a chat format adds to one message."""


class Turn(TypedDict):
    """One message as the API takes it."""

    role: str
    content: str


def render_prompt(prompt: Prompt) -> list[Turn]:
    return [_turn("system", prompt.instructions), _turn("user", fence(prompt.source))]


def render_reask(asked: Sequence[Turn], answer: str, reason: str) -> list[Turn]:
    """The same question once more, with the answer that did not do and why."""
    said = [_turn("assistant", answer)] if answer else []
    return [
        *asked,
        *said,
        _turn(
            "user",
            f"That answer cannot be used: {reason[:MAX_REASON_CHARACTERS]}."
            " Answer again, complete, as JSON of the schema asked for and nothing else.",
        ),
    ]


def render_chat(messages: Sequence[Message], sources: Sequence[str], language: str) -> list[Turn]:
    """A chat, with the passages right before the question they bear on, and the rules for them before all. Without
    passages the messages stand for themselves: the caller's own system message among them."""
    turns = [_turn(message.role, message.content) for message in messages]
    if not sources:
        return turns
    system = _turn("system", instructions(Task.CHAT, Language(language)))
    if turns:
        passages = "\n\n".join(fence(source) for source in sources)
        turns[-1] = _turn(turns[-1]["role"], f"{passages}\n\n{turns[-1]['content']}")
    return [system, *turns]


def fence(source: str) -> str:
    mark = blake2b(source.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f'<source id="{mark}">\n{source}\n</source id="{mark}">'


def count_turns(turns: Sequence[Turn]) -> int:
    """Tokens of a rendered prompt, for servers that do not say what they counted."""
    return sum(count_tokens(turn["content"]) + MESSAGE_TOKENS for turn in turns)


def _turn(role: str, content: str) -> Turn:
    return Turn(role=role, content=without_surrogates(content))
