"""One run of the command: where Etude is, and what the terminal lends it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO, cast

import msgspec
import typer
from msgspec import Struct
from rich.console import Console

from etude.api_client import Api
from etude.target import Place


class Terminal(Struct, frozen=True, kw_only=True):
    """What `__main__` takes from the process, and a test brings along."""

    out: Console
    err: Console
    stdin: BinaryIO
    language: str
    """`fr` or `en`: what the API is asked to say its errors in."""
    now: Callable[[], datetime]
    new_key: Callable[[], str]
    pause: Callable[[float], None]


class Session(Struct, frozen=True, kw_only=True):
    place: Place
    terminal: Terminal

    @contextmanager
    def api(self) -> Generator[Api]:
        terminal = self.terminal
        api = Api(
            self.place.find_url(),
            self.place.find_token(),
            language=terminal.language,
            new_key=terminal.new_key,
            pause=terminal.pause,
        )
        try:
            yield api
        finally:
            api.close()

    def print_json(self, body: msgspec.Raw) -> None:
        self.terminal.out.out(msgspec.json.format(bytes(body)).decode(), highlight=False)


def session_of(context: typer.Context) -> Session:
    return cast(Session, context.obj)
