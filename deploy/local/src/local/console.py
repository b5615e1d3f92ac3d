"""Merges the logs of all processes into one: whole lines, each with the name of its process in front."""

from typing import TextIO

NAME_WIDTH = 19
"""Length of the longest name, `collection-worker-1`."""
COLOURS = (36, 35, 33, 32, 34, 96, 95, 93, 92, 94)
"""ANSI foreground colours, given to processes in the order of their first line. Red is reserved for errors."""


class Console:
    """Prints the lines of all processes. A closed pipe (`make run | head`) ends the printing, and not the stack."""

    def __init__(self, stream: TextIO, *, is_coloured: bool) -> None:
        self._stream = stream
        self._is_coloured = is_coloured
        self._colours: dict[str, int] = {}
        self._is_open = True

    def write(self, name: str, text: str) -> None:
        """Print one line of a process."""
        self._print(f"{self._label(name)} {text}")

    def say(self, text: str) -> None:
        """Print one line of the stack itself, for the person who started it."""
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
