"""Removes the marks with which a model ends its reply, where a server hands them on as text."""

import re

END_MARKS = (
    "<|return|>",  # gpt-oss
    "<|call|>",
    "<|end|>",  # Phi, gpt-oss
    "<|im_end|>",  # Qwen and others in ChatML
    "<|endoftext|>",
    "<|eot_id|>",  # Llama 3
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|eot|>",  # Llama 4
    "<|end_of_turn|>",
    "<end_of_turn>",  # Gemma
    "<eos>",
    "</s>",  # Llama 2, Mistral
    "<｜end▁of▁sentence｜>",  # DeepSeek
)
_ENDS = re.compile(rf"(?:{'|'.join(map(re.escape, END_MARKS))})(?:\s|{'|'.join(map(re.escape, END_MARKS))})*")


class EndMarkFilter:
    """Passes on a streamed reply without the marks at its very end. A mark that more text follows belongs to the reply, which may
    be about such marks."""

    def __init__(self) -> None:
        self._held = ""
        """The end of the text so far, which may be made of marks."""

    def add(self, text: str) -> str:
        text = self._held + text
        start = text.find("<")
        while start >= 0 and not _may_be_marks(text, start):
            start = text.find("<", start + 1)
        self._held = text[start:] if start >= 0 else ""
        return text.removesuffix(self._held) if self._held else text

    def end(self) -> str:
        """Return what was held back and is no mark."""
        held, self._held = self._held, ""
        return "" if _ENDS.fullmatch(held) else held


def _may_be_marks(text: str, start: int) -> bool:
    """Whether the text from `start` is made of marks, or may become so."""
    found = _ENDS.match(text, start)
    rest = text[found.end() if found else start :]
    return not rest or any(mark.startswith(rest) for mark in END_MARKS)
