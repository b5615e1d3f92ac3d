"""The command line: what can be said, and the options that everything shares."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from etude import commands
from etude.chat import chat
from etude.cli_context import Session, Terminal, session_of
from etude.dead_letters import dead
from etude.target import Place
from etude.token_signing import sign_token

EXIT_CODES = """Exit codes: 0 done; 1 refused, or the job failed; 2 wrong command line, file or setting;
3 Etude is not reachable; 4 not signed in; 130 interrupted (the job goes on)."""

app = typer.Typer(
    name="etude",
    help="Turn texts into study material, and ask about them.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def connect(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="ETUDE_URL", help="Where Etude is.")] = "",
    token: Annotated[
        str, typer.Option(envvar="ETUDE_TOKEN", show_envvar=True, help="Who asks: a JWT or an API key.")
    ] = "",
    data_dir: Annotated[
        Path,
        typer.Option(
            envvar="ETUDE_DATA_DIR", help="Of the local stack: where to look for what is not given."
        ),
    ] = Path(".etude"),
) -> None:
    terminal = context.ensure_object(Terminal)
    context.obj = Session(place=Place(data_dir=data_dir, url=url, token=token), terminal=terminal)


@app.command()
def token(
    context: typer.Context,
    user: Annotated[str, typer.Option(help="Whose token it is.")],
    plan: Annotated[str, typer.Option(help="A plan of the plans file.")] = "free",
    ttl: Annotated[float, typer.Option(min=0, help="Hours until it expires.")] = 24.0,
    key: Annotated[
        Path | None,
        typer.Option(
            envvar="ETUDE_JWT_PRIVATE_KEY_FILE", help="Private key (PEM); the local stack's if not given."
        ),
    ] = None,
) -> None:
    """Sign a token for a user, with the private key of the stack."""
    session = session_of(context)
    key_file = key or session.place.data_dir / "keys" / "jwt-private.pem"
    now = session.terminal.now()
    signed = sign_token(key_file, user=user, plan=plan, now=now, ttl=timedelta(hours=ttl))
    session.terminal.out.out(signed, highlight=False)


app.command()(commands.ai)
app.command()(commands.collection)
app.command()(commands.jobs)
app.command()(commands.cancel)
app.command()(commands.usage)
app.command()(chat)
app.add_typer(dead, name="dead")
