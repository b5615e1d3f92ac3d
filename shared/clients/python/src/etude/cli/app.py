"""The command line: its commands, and the options that all of them share."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from etude.cli import commands
from etude.cli.chat import chat
from etude.cli.context import CliContext, Terminal, context_of
from etude.cli.edit import edit
from etude.cli.failure import ExitCode, Failure
from etude.cli.target import Target
from etude.cli.token_signing import sign_token

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
    url: Annotated[str, typer.Option(envvar="ETUDE_URL", help="Address of Etude.")] = "",
    token: Annotated[
        str,
        typer.Option(envvar="ETUDE_TOKEN", show_envvar=True, help="Your credentials: a JWT or an API key."),
    ] = "",
    data_dir: Annotated[
        Path,
        typer.Option(
            envvar="ETUDE_DATA_DIR",
            help="Data folder of the local stack, which provides the address and the token that are not given.",
        ),
    ] = Path(".etude"),
) -> None:
    terminal = context.ensure_object(Terminal)
    context.obj = CliContext(target=Target(data_dir=data_dir, url=url, token=token), terminal=terminal)


@app.command()
def token(
    context: typer.Context,
    user: Annotated[str, typer.Option(help="User that the token identifies.")],
    plan: Annotated[str, typer.Option(help="Plan of the user, as the plans file names it.")] = "free",
    ttl: Annotated[float, typer.Option(min=0, help="Hours until it expires.")] = 24.0,
    key: Annotated[
        Path | None,
        typer.Option(
            envvar="ETUDE_JWT_PRIVATE_KEY_FILE", help="Private key (PEM); the local stack's if not given."
        ),
    ] = None,
) -> None:
    """Sign a token for a user, with the private key of the stack."""
    run = context_of(context)
    key_file = key or run.target.data_dir / "keys" / "jwt-private.pem"
    now = run.terminal.now()
    signed = sign_token(key_file, user=user, plan=plan, now=now, ttl=timedelta(hours=ttl))
    run.terminal.out.out(signed, highlight=False)


app.command()(commands.ai)
app.command()(commands.collection)
app.command()(commands.jobs)
app.command()(edit)
app.command()(commands.export)
app.command()(commands.cancel)
app.command()(commands.rm)
app.command()(commands.usage)
app.command()(chat)


def _add_operator_commands() -> None:
    """`etude dead`, `etude models` and `etude erase`, or without the packages of the `operator` extra commands that say how to get them."""
    try:
        from etude.cli.dead_letters import dead
        from etude.cli.erase import erase
        from etude.cli.models import models
    except ModuleNotFoundError:
        any_arguments = {"allow_extra_args": True, "ignore_unknown_options": True}
        for name, purpose in (
            ("dead", "Jobs that failed for good"),
            ("models", "What is known of each model"),
            ("erase", "Erase a user"),
        ):
            app.command(
                name,
                help=f"{purpose}: needs the `operator` extra.",
                context_settings=any_arguments,
                add_help_option=False,
            )(_explain_operator_extra)
    else:
        app.add_typer(dead, name="dead")
        app.add_typer(models, name="models")
        app.command()(erase)


def _explain_operator_extra(context: typer.Context) -> None:
    raise Failure(
        ExitCode.USAGE, f"`etude {context.info_name}` needs the operator extra: install etude[operator]"
    )


_add_operator_commands()
