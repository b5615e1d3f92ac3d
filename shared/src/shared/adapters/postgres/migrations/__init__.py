"""The schema of Postgres, and the way it came to be: forward only, a migration a change, its SQL written by hand."""

import asyncio
import io
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from shared.adapters.postgres.connection import Connection, connect

ADVISORY_LOCK = 0x457475646500
"""Any number, the same in all processes that migrate: the first one does it, the others find it done."""


class UnknownRevision(Exception):
    """The database was migrated by a newer release than this one."""


def migrate(url: str) -> None:
    """Bring a database to the newest schema: all of it or nothing. Does nothing where it is newest already.

    Blocks, and starts an event loop of its own: call it where none runs. Any number of processes may at once.
    Raises `UnknownRevision`, and what asyncpg raises when Postgres is away.
    """
    asyncio.run(_migrate(url))


async def _migrate(url: str) -> None:
    connection = await connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", ADVISORY_LOCK)
            statements = write_sql(await current_revision(connection))
            if statements:
                await connection.execute(statements)
    finally:
        await connection.close()


async def current_revision(connection: Connection) -> str | None:
    """None for a database that was never migrated."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    return await connection.fetchval("SELECT version_num FROM alembic_version")


def write_sql(since: str | None, *, until: str = "head") -> str:
    """The statements that lead from one revision to another, as one script; empty when there is nothing to do.

    Alembic writes them and asyncpg runs them, so that no second driver is needed.
    """
    script = io.StringIO()
    try:
        command.upgrade(make_config(script), f"{since or 'base'}:{until}", sql=True)
    except CommandError as error:
        raise UnknownRevision(since) from error
    return script.getvalue()


def make_config(output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output or io.StringIO())
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
