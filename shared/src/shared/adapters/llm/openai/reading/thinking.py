"""Removes what a model thought aloud before it replied, from whole texts and from streams. It is never stored or shown."""

from shared.adapters.llm.openai.ladder.abilities import ThinkingStyle

THINKING = (
    ("<think>", "</think>"),  # DeepSeek R1, Qwen 3 and most open models
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # Gemma
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|channel|>analysis<|message|>", "<|end|>"),  # gpt-oss, where a server does not read its channels
    ("<|channel|>commentary<|message|>", "<|end|>"),
)
"""Opening and closing mark of thinking, for each family of models."""
HEADERS = ("<|start|>assistant", "<|channel|>final<|message|>")
"""Marks that stand before the reply itself."""
_OPENINGS = tuple(opening for opening, _ in THINKING) + HEADERS
_CLOSINGS = tuple(closing for _, closing in THINKING if closing != "<|end|>")
"""Marks that a chat template may have opened already. `<|end|>` also ends a reply, so it says nothing alone."""
_LONGEST_CLOSING = max(map(len, _CLOSINGS))


def without_thinking(text: str) -> str:
    """The reply without the thinking before it. A chat template may open the thinking itself, so that only its end is in the
    text. Thinking that never ends leaves nothing."""
    reply = ThinkingFilter()
    left = reply.add(text) + reply.end()
    for closing in _CLOSINGS:
        left = left.rpartition(closing)[2] if closing in left else left
    return left


class ThinkingFilter:
    """Passes on a streamed reply without the thinking at its start. Unless the model is known to mark where its thinking
    begins, nothing is passed on before the thinking or the reply has ended."""

    def __init__(self, style: ThinkingStyle = ThinkingStyle.MARKED) -> None:
        self._style = style
        self._held = ""
        self._closing = ""
        """What ends the thinking under way."""
        self._is_marked = style is ThinkingStyle.MARKED
        """Whether thinking can only begin with a mark, so that any other text belongs to the reply."""
        self._has_begun = False
        """Whether the reply itself has begun: everything is passed on from there."""
        self._is_unopened = False
        """Whether thinking ended that no mark had opened."""
        self._tail = ""
        """The end of what was passed on, in which a closing mark may begin."""

    def add(self, text: str) -> str:
        """Add a piece and return what may be shown."""
        if self._has_begun:
            self._look_back(text)
            return text
        self._held += text
        while self._skip():
            pass
        if not self._is_marked:
            self._skip_unopened(len(text))
        if self._closing or not self._is_marked or _may_become_an_opening(self._held):
            return ""
        self._has_begun = bool(self._held)
        shown = self._take()
        self._look_back(shown)
        return shown

    def end(self, *, was_cut: bool = False) -> str:
        """Return what was held back and belongs to the reply after all. `was_cut`: the text stopped at the length limit."""
        is_thinking = self._closing or (
            was_cut and self._style is ThinkingStyle.UNOPENED and not self._is_marked
        )
        return "" if is_thinking else self._take()

    def trust_marks(self) -> None:
        """Take the text for the reply, because the server sends the thinking beside it."""
        self._is_marked = True

    def learned_style(self, *, was_cut: bool = False) -> ThinkingStyle:
        """The style after this text. One text that contradicts the style makes it unknown, so that nothing is shown on trust;
        a text that was cut may have ended within its thinking."""
        if self._style is ThinkingStyle.UNKNOWN:
            if self._is_unopened:
                return ThinkingStyle.UNOPENED
            return ThinkingStyle.UNKNOWN if was_cut and not self._is_marked else ThinkingStyle.MARKED
        is_expected = self._is_unopened == (self._style is ThinkingStyle.UNOPENED)
        return self._style if is_expected or was_cut else ThinkingStyle.UNKNOWN

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
                self._is_marked = True
                return True
        return False

    def _skip_unopened(self, added: int) -> None:
        """Remove the text up to a closing mark, of which the last `added` characters hold the end."""
        found = _find_closing(self._held, max(0, len(self._held) - added - _LONGEST_CLOSING))
        if found >= 0:
            self._held = self._held[found:].lstrip()
            self._is_marked = self._is_unopened = True

    def _look_back(self, shown: str) -> None:
        """Notice a closing mark in what is shown: its thinking began without a mark."""
        self._tail = self._tail[-_LONGEST_CLOSING:] + shown
        self._is_unopened |= _find_closing(self._tail, 0) >= 0

    def _take(self) -> str:
        held, self._held = self._held, ""
        return held


def _find_closing(text: str, start: int) -> int:
    """The position after the first closing mark, -1 if there is none."""
    return min(
        (at + len(closing) for closing in _CLOSINGS if (at := text.find(closing, start)) >= 0), default=-1
    )


def _may_become_an_opening(text: str) -> bool:
    start = text.lstrip()
    return any(opening.startswith(start) for opening in _OPENINGS)
