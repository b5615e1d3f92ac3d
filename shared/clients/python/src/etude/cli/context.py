"""What one run of the command knows: where Etude is, and the terminal it talks through."""

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, cast

import msgspec
import typer
from msgspec import Struct
from rich.console import Console

from etude.cli.target import Target
from etude.client import Client
from etude.retries import RetryPolicy

RETRIES = RetryPolicy(retries=1)
"""A person is waiting: the command gives up sooner than a program would."""


class Terminal(Struct, frozen=True, kw_only=True):
    """What `__main__` takes from the process and a test replaces."""

    out: Console
    err: Console
    stdin: BinaryIO
    stdout: BinaryIO
    """Where a file is written that the command was asked to write there."""
    language: str
    """`fr` or `en`: the language of the API's error messages."""
    now: Callable[[], datetime]
    new_key: Callable[[], str]
    """Makes idempotency keys."""
    sleep: Callable[[float], None]


class CliContext(Struct, frozen=True, kw_only=True):
    target: Target
    terminal: Terminal

    def client(self) -> Client:
        """A client of the target. Raises `Failure` when there is no address or no token, `InvalidUrl`."""
        return Client(
            self.target.find_url(),
            self.target.find_token(),
            language=self.terminal.language,
            retries=RETRIES,
            new_key=self.terminal.new_key,
            sleep=self.terminal.sleep,
        )

    def print_json(self, body: bytes) -> None:
        self.terminal.out.out(msgspec.json.format(body).decode(), highlight=False)


def context_of(context: typer.Context) -> CliContext:
    return cast(CliContext, context.obj)
