"""`etude chat`: a conversation in the terminal, on a collection when given one."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct, field
from rich.console import Console

from etude.api_client import Api
from etude.api_models import ProblemView
from etude.cli_context import Terminal, session_of
from etude.errors import ExitCode, Failure
from etude.rendering import indented, one_line, plain
from shared.domain.study.material import Source

TURNS_KEPT = 20
"""Of the conversation, sent along with each question."""


class _Text(Struct, frozen=True):
    text: str


class _Quotes(Struct, frozen=True):
    quotes: list[Source] = field(default_factory=list[Source])


def chat(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="Ask this and leave; without it, converse.")] = "",
    collection: Annotated[str, typer.Option(metavar="ID", help="Answer from this collection's text.")] = "",
) -> None:
    """Ask a question, or converse. Ctrl-D ends the conversation."""
    session = session_of(context)
    turns: list[dict[str, str]] = []
    with session.api() as api:
        for asked in [question] if question else _read_questions(session.terminal):
            turns.append({"role": "user", "content": asked})
            body = {"messages": turns[-TURNS_KEPT:], **({"collection_id": collection} if collection else {})}
            answer = _show_answer(session.terminal.out, api, body)
            turns.append({"role": "assistant", "content": answer})


def _read_questions(terminal: Terminal) -> Iterator[str]:
    """What is typed, or what is piped in, line by line."""
    lines = _typed(terminal.err) if terminal.err.is_terminal else map(bytes.decode, terminal.stdin)
    return (line.strip() for line in lines if line.strip())


def _typed(console: Console) -> Iterator[str]:
    while True:
        try:
            yield console.input("> ")
        except EOFError:
            return


def _show_answer(console: Console, api: Api, body: dict[str, Any]) -> str:
    said: list[str] = []
    for event in api.ask("/api/chat", {**body, "stream": True}):
        match event.name:
            case "delta":
                text = msgspec.json.decode(event.data, type=_Text).text
                said.append(text)
                console.print(plain(text), end="", soft_wrap=True)
            case "quotes":
                _show_quotes(console, msgspec.json.decode(event.data, type=_Quotes).quotes)
            case "error":
                console.print()
                problem = msgspec.json.decode(event.data, type=ProblemView)
                raise Failure(ExitCode.REFUSED, plain(str(problem)))
            case _:
                pass
    console.print()
    return "".join(said)


def _show_quotes(console: Console, quotes: list[Source]) -> None:
    if quotes:
        console.print("\n")
    for quote in quotes:
        console.print(indented(f"« {one_line(quote.quote)} »", style="dim italic", by=2))
