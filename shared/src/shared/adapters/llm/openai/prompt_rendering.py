"""Renders prompts and chats as messages: our instructions as the system message, learners' text fenced as data.

A fence carries a digest of its content, so no text can close its own fence. `hold.CALL_TOKENS` bounds what is added here to
instructions and source.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypedDict

from shared.adapters.llm.token_counter import count_tokens, without_surrogates
from shared.domain.llm.prompts import instructions
from shared.domain.llm.provider import Message, Prompt, Task

MAX_REASON_CHARACTERS = 200
"""Length limit of a validation error that is sent back: enough to name the field."""
MESSAGE_TOKENS = 4
"""Tokens that the chat format adds to one message."""


class Turn(TypedDict):
    """One message in the format of the API."""

    role: str
    content: str


def render_prompt(prompt: Prompt) -> list[Turn]:
    """The instructions and the source come first, which are the same for all calls on one part."""
    known = [fence(prompt.known_items)] if prompt.known_items else []
    asked = [prompt.request] if prompt.request else []
    return [
        _turn("system", prompt.instructions),
        _turn("user", "\n\n".join([fence(prompt.numbered_source or prompt.source), *known, *asked])),
    ]


def render_reask(turns: Sequence[Turn], rejected: str, reason: str) -> list[Turn]:
    """The same prompt once more, with the rejected text and the reason."""
    return [
        *turns,
        *([_turn("assistant", rejected)] if rejected else []),
        _turn(
            "user",
            f"That answer cannot be used: {reason[:MAX_REASON_CHARACTERS]}."
            " Answer again, complete, as JSON of the schema asked for and nothing else.",
        ),
    ]


def render_chat(messages: Sequence[Message], sources: Sequence[str], language: str) -> list[Turn]:
    """A chat with its passages right before the last question, after a system message with the rules for them. Without
    passages the messages are sent as they are, the caller's own system message included."""
    turns = [_turn(message.role, message.content) for message in messages]
    if not sources:
        return turns
    system = _turn("system", instructions((Task.CHAT,), language))
    if turns:
        passages = "\n\n".join(fence(source) for source in sources)
        turns[-1] = _turn(turns[-1]["role"], f"{passages}\n\n{turns[-1]['content']}")
    return [system, *turns]


def fence(source: str) -> str:
    digest = blake2b(source.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f'<source id="{digest}">\n{source}\n</source id="{digest}">'


def count_turns(turns: Sequence[Turn]) -> int:
    """Tokens of a rendered prompt, for servers that report no usage."""
    return sum(count_tokens(turn["content"]) + MESSAGE_TOKENS for turn in turns)


def _turn(role: str, content: str) -> Turn:
    return Turn(role=role, content=without_surrogates(content))
