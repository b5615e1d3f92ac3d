"""Weighs the words of a conversation by what they say about its last question."""

from collections.abc import Sequence

from shared.domain.chat import ChatRole, ChatTurn
from shared.domain.text.words import content_words

_EARLIER_QUESTION_WEIGHT = 0.4
"""Weight of a word from an earlier question. A follow-up refers to it without repeating it."""
_EARLIER_ANSWER_WEIGHT = 0.3
"""Weight of a word from the answer before. A follow-up may lean on it."""


def weigh_words(turns: Sequence[ChatTurn]) -> dict[str, float]:
    """The stems of the conversation. Of the earlier answers only the last counts, because they are long."""
    *earlier, last = turns
    answers = [turn.content for turn in earlier if turn.role is ChatRole.ASSISTANT]
    questions = [turn.content for turn in earlier if turn.role is ChatRole.USER]
    weights = dict.fromkeys(_words(answers[-1:]), _EARLIER_ANSWER_WEIGHT)
    weights |= dict.fromkeys(_words(questions), _EARLIER_QUESTION_WEIGHT)
    return weights | dict.fromkeys(content_words(last.content), 1.0)


def _words(texts: Sequence[str]) -> list[str]:
    return [word for text in texts for word in content_words(text)]
