"""Migrations of the Postgres schema. They only go forward, and their SQL is written by hand."""

import asyncio
import io
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from shared.adapters.postgres.connection import Connection, connect
from shared.adapters.postgres.roles import grant_privileges

ADVISORY_LOCK = 0x457475646500
"""Key of the lock that all migrating processes take, so that the first one migrates and the others find it done."""


class UnknownRevision(Exception):
    """The database was migrated by a newer release than this one."""


def migrate(url: str) -> None:
    """Migrate a database to the newest schema, and grant the roles of the services what they need, in one transaction. Several processes may call it at the same time.

    It blocks and runs an event loop of its own. Raises `UnknownRevision`, and the errors of asyncpg.
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
            await grant_privileges(connection)
    finally:
        await connection.close()


async def current_revision(connection: Connection) -> str | None:
    """The revision of the schema; None for a database that was never migrated."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    return await connection.fetchval("SELECT version_num FROM alembic_version")


def write_sql(since: str | None, *, until: str = "head") -> str:
    """The statements that lead from one revision to another, as one script, which is empty if there is nothing to do.

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
