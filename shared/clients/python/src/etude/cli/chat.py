"""`etude chat`: a conversation in the terminal, about a collection when one is given."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console

from etude.api_models import ChatMessage
from etude.cli.context import Terminal, context_of
from etude.cli.rendering import indented, one_line, plain
from etude.errors import ApiError
from etude.events import ChatDelta, ChatEvent, ChatQuotes
from etude.study_material import Source

MESSAGES_SENT = 20
"""The newest messages of the conversation, sent with each question. The API accepts at most 50."""


def chat(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="Ask this and exit; without it, converse.")] = "",
    collection: Annotated[str, typer.Option(metavar="ID", help="Answer from this collection's text.")] = "",
) -> None:
    """Ask a question, or converse. Ctrl-D ends the conversation."""
    run = context_of(context)
    messages: list[ChatMessage] = []
    with run.client() as client:
        for asked in [question] if question else _read_questions(run.terminal):
            messages.append(ChatMessage("user", asked))
            answer = client.stream_answer(messages[-MESSAGES_SENT:], collection_id=collection)
            messages.append(ChatMessage("assistant", _show_answer(run.terminal.out, answer)))


def _read_questions(terminal: Terminal) -> Iterator[str]:
    """The lines that are typed or piped in, without the empty ones."""
    lines = _typed(terminal.err) if terminal.err.is_terminal else map(bytes.decode, terminal.stdin)
    return (line.strip() for line in lines if line.strip())


def _typed(console: Console) -> Iterator[str]:
    while True:
        try:
            yield console.input("> ")
        except EOFError:
            return


def _show_answer(console: Console, answer: Iterator[ChatEvent]) -> str:
    """Print the answer as it comes, and return its text."""
    texts: list[str] = []
    try:
        for event in answer:
            match event:
                case ChatDelta(text=text):
                    texts.append(text)
                    console.print(plain(text), end="", soft_wrap=True)
                case ChatQuotes(quotes=quotes):
                    _show_quotes(console, quotes)
                case _:
                    pass
    except ApiError:
        if texts:
            console.print()  # the error message starts on a line of its own
        raise
    console.print()
    return "".join(texts)


def _show_quotes(console: Console, quotes: list[Source]) -> None:
    if quotes:
        console.print("\n")
    for quote in quotes:
        console.print(indented(f"« {one_line(quote.quote)} »", style="dim italic", by=2))
