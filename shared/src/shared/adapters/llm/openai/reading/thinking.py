"""Removes what a model thought aloud before it replied, from whole texts and from streams. It is never stored or shown."""

THINKING = (
    ("<think>", "</think>"),  # DeepSeek R1, Qwen 3 and most open models
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # Gemma
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|channel|>analysis<|message|>", "<|end|>"),  # gpt-oss, where a server does not read its channels
)
"""Opening and closing mark of thinking, for each family of models."""
HEADERS = ("<|start|>assistant", "<|channel|>final<|message|>")
"""Marks that stand before the reply itself."""
_OPENINGS = tuple(opening for opening, _ in THINKING) + HEADERS


def without_thinking(text: str) -> str:
    """The reply without the thinking before it. A chat template may open the thinking itself, so that only its end is in the
    text. Thinking that never ends leaves nothing."""
    reply = ThinkingFilter()
    left = reply.add(text) + reply.end()
    for _, closing in THINKING[:-1]:
        left = left.rpartition(closing)[2] if closing in left else left
    return left


class ThinkingFilter:
    """Passes on a streamed reply without the thinking at its start."""

    def __init__(self) -> None:
        self._held = ""
        self._closing = ""
        """What ends the thinking under way."""
        self._has_begun = False
        """Whether the reply itself has begun: everything is passed on from there."""

    def add(self, text: str) -> str:
        """Add a piece and return what may be shown."""
        if self._has_begun:
            return text
        self._held += text
        while self._skip():
            pass
        if self._closing or _may_become_an_opening(self._held):
            return ""
        self._has_begun = bool(self._held)
        return self._take()

    def end(self) -> str:
        """Return what was held back because it looked like an opening mark, and was none."""
        return "" if self._closing else self._take()

    def _skip(self) -> bool:
        """Remove one mark, with the thinking behind it if its end is here. Returns whether there was one."""
        if self._closing:
            before, closing, after = self._held.partition(self._closing)
            self._held = after.lstrip() if closing else before[-len(self._closing) :]
            self._closing = "" if closing else self._closing
            return bool(closing)
        start = self._held.lstrip()
        for opening, closing in (*THINKING, *((header, "") for header in HEADERS)):
            if start.startswith(opening):
                self._held, self._closing = start[len(opening) :], closing
                return True
        return False

    def _take(self) -> str:
        held, self._held = self._held, ""
        return held


def _may_become_an_opening(text: str) -> bool:
    start = text.lstrip()
    return any(opening.startswith(start) for opening in _OPENINGS)
