"""The composition root of the command: the clock, the terminal and the locale come from the process."""

import locale
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from etude.cli.app import app
from etude.cli.context import Terminal
from etude.cli.failure import ExitCode, Failure, exit_code_of
from etude.cli.rendering import plain
from etude.connection import new_key
from etude.errors import EtudeError


def main() -> None:
    sys.exit(run(sys.argv[1:], _terminal()))


def run(arguments: Sequence[str], terminal: Terminal) -> int:
    """Run one command and return its exit code. Every error is one line on stderr."""
    try:
        app(arguments, obj=terminal, prog_name="etude")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.REFUSED
    except (Failure, EtudeError) as error:
        terminal.err.print(f"etude: {plain(str(error))}", style="red", soft_wrap=True)
        return exit_code_of(error)
    except Exception as error:  # noqa: BLE001 - a bug is reported in one line too, without a traceback
        terminal.err.print(f"etude: internal error ({type(error).__name__})", style="red")
        return ExitCode.REFUSED
    return 0


def _terminal() -> Terminal:
    language, _ = locale.getlocale(locale.LC_CTYPE)
    return Terminal(
        out=Console(markup=False, highlight=False, emoji=False),
        err=Console(stderr=True, markup=False, highlight=False, emoji=False),
        stdin=sys.stdin.buffer,
        stdout=sys.stdout.buffer,
        language="fr" if (language or "").startswith("fr") else "en",
        now=lambda: datetime.now(UTC),
        new_key=new_key,
        sleep=time.sleep,  # noqa: TID251 - a pause before a retry has nothing to listen to
    )


if __name__ == "__main__":
    main()
