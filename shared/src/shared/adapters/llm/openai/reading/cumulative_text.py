"""Tells the pieces of a streamed reply from repetitions of the whole: some servers send all that was written, each time."""

CERTAIN_CHARACTERS = 8
"""Length of a first text with which no second one begins by chance, in characters."""


class CumulativeText:
    """Takes the texts of a stream in order, and returns what is new of each.

    The second text decides: a cumulative stream repeats the first one there. A short one may be repeated by chance, as in `ha`,
    `haha`, so then the second text is held back until the third confirms it."""

    def __init__(self) -> None:
        self._passed_on: list[str] = []
        self._held = ""
        """A second text that may repeat the first."""
        self._is_cumulative: bool | None = None

    def add(self, text: str) -> str:
        if not text:
            return ""
        if self._is_cumulative is None and self._passed_on:
            self._decide(text)
            if self._is_cumulative is None:
                self._held = text
                return ""
        if self._is_cumulative:
            self._held = ""
            return self._new_in(text)
        return self.end() + self._pass_on(text)

    def add_whole(self, text: str) -> str:
        """Add a text that is the whole reply, as the last event of some servers holds it."""
        held = self.end()
        return held + (self._new_in(text) if self._passed_on else self._pass_on(text))

    def end(self) -> str:
        """Return what was held back."""
        held, self._held = self._held, ""
        return self._pass_on(held)

    def _decide(self, text: str) -> None:
        first = self._held or self._passed_on[0]
        repeats = text.startswith(first) and len(text) > len(first)
        if not repeats or self._held or len(first) >= CERTAIN_CHARACTERS:
            self._is_cumulative = repeats

    def _new_in(self, text: str) -> str:
        """What follows the text so far; nothing of a text that differs, because its beginning was passed on already."""
        whole = "".join(self._passed_on)
        return self._pass_on(text[len(whole) :] if text.startswith(whole) else "")

    def _pass_on(self, text: str) -> str:
        if text:
            self._passed_on.append(text)
        return text
