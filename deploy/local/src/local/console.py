"""One log out of many: whole lines, each behind the name of the process it came from."""

from typing import TextIO

NAME_WIDTH = 19
"""Of the longest name, `collection-worker-1`."""
COLOURS = (36, 35, 33, 32, 34, 96, 95, 93, 92, 94)
"""ANSI foregrounds, in the order in which names turn up; red is left to errors."""


class Output:
    """Where everybody's lines go. A reader that went away (`make run | head`) does not stop the stack."""

    def __init__(self, stream: TextIO, *, is_coloured: bool) -> None:
        self._stream = stream
        self._is_coloured = is_coloured
        self._colours: dict[str, int] = {}
        self._is_open = True

    def write(self, name: str, text: str) -> None:
        """One line of a process, as it wrote it."""
        self._print(f"{self._label(name)} {text}")

    def say(self, text: str) -> None:
        """One line of the stack's own, for the person who started it."""
        self._print(text)

    def _label(self, name: str) -> str:
        label = f"{name:>{NAME_WIDTH}} │"
        if not self._is_coloured:
            return label
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{label}\x1b[0m"

    def _print(self, line: str) -> None:
        if not self._is_open:
            return
        try:
            print(line, file=self._stream, flush=True)
        except (BrokenPipeError, ValueError):
            self._is_open = False
