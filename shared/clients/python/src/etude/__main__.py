"""The composition root of the command: takes the clock, the terminal and the locale from the process."""

import locale
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from etude.app import app
from etude.cli_context import Terminal
from etude.errors import ExitCode, Failure


def main() -> None:
    sys.exit(run(sys.argv[1:], _terminal()))


def run(arguments: Sequence[str], terminal: Terminal) -> int:
    """One command, to its exit code. Whatever goes wrong is one line on stderr."""
    try:
        app(arguments, obj=terminal, prog_name="etude")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else ExitCode.REFUSED
    except Failure as failure:
        terminal.err.print(f"etude: {failure}", style="red", soft_wrap=True)
        return failure.code
    except Exception as error:  # noqa: BLE001 - a bug of ours is still one line, without a traceback
        terminal.err.print(f"etude: internal error ({type(error).__name__})", style="red")
        return ExitCode.REFUSED
    return 0


def _terminal() -> Terminal:
    language, _ = locale.getlocale(locale.LC_CTYPE)
    return Terminal(
        out=Console(markup=False, highlight=False, emoji=False),
        err=Console(stderr=True, markup=False, highlight=False, emoji=False),
        stdin=sys.stdin.buffer,
        language="fr" if (language or "").startswith("fr") else "en",
        now=lambda: datetime.now(UTC),
        new_key=lambda: str(uuid.uuid4()),
        pause=time.sleep,  # noqa: TID251 - between reconnections: there is nobody to give a signal
    )


if __name__ == "__main__":
    main()
