"""How a command fails: one line for a person, one exit code for a script."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees. The command's `--help` lists them."""

    REFUSED = 1
    """Etude answered, and the answer is no: a refused request, a failed job, an unknown id."""
    USAGE = 2
    """The command line, a file or a setting is wrong."""
    UNREACHABLE = 3
    """Nothing answers under the address, or no stack runs in the data folder."""
    NOT_SIGNED_IN = 4
    """The token is missing, expired or of another stack."""
    INTERRUPTED = 130
    """Ctrl-C. What was submitted goes on."""


class Failure(Exception):
    """Ends the command with a line on stderr and an exit code."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
