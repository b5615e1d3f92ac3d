"""How a command fails: with one line for a person and one exit code for a script."""

from enum import IntEnum

from etude.errors import EtudeError, InvalidUrl, NotAuthenticated, UnexpectedResponse, Unreachable


class ExitCode(IntEnum):
    """What the shell sees. `etude --help` lists them."""

    REFUSED = 1
    """Etude refused the request, the job failed, or the id is unknown."""
    USAGE = 2
    """The command line, a file or a setting is wrong."""
    UNREACHABLE = 3
    """Nothing of Etude's answers at the address, or no stack runs in the data folder."""
    NOT_SIGNED_IN = 4
    """The token is missing, expired or of another deployment."""
    INTERRUPTED = 130
    """The user pressed Ctrl-C. The submitted job continues."""


class Failure(Exception):
    """Ends the command with a line on stderr and an exit code."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def exit_code_of(error: EtudeError | Failure) -> ExitCode:
    match error:
        case Failure():
            return error.code
        case InvalidUrl():
            return ExitCode.USAGE
        case Unreachable() | UnexpectedResponse():
            return ExitCode.UNREACHABLE
        case NotAuthenticated():
            return ExitCode.NOT_SIGNED_IN
        case _:
            return ExitCode.REFUSED
