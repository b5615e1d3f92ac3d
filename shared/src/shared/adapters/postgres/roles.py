"""A role of Postgres for each service, which may do what the statements of that service need and nothing else."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from shared.adapters.postgres.connection import Connection


class Grant(Struct, frozen=True):
    """A privilege on a table, or on some of its columns."""

    privilege: str
    table: str
    columns: tuple[str, ...] = ()

    def write_sql(self, role: str) -> str:
        columns = f" ({', '.join(self.columns)})" if self.columns else ""
        return f"GRANT {self.privilege}{columns} ON {self.table} TO {role}"


JOBS, COLLECTIONS, FLASHCARDS, QUIZ_QUESTIONS, EDITS, ITEM_EDITS, ADDED_ITEMS, STEPS = (
    "async_jobs",
    "study_collections",
    "flashcards",
    "quiz_questions",
    "collection_edits",
    "item_edits",
    "added_items",
    "job_steps",
)
READ_RESULTS = tuple(
    Grant("SELECT", table)
    for table in (JOBS, COLLECTIONS, FLASHCARDS, QUIZ_QUESTIONS, EDITS, ITEM_EDITS, ADDED_ITEMS)
)
NOTE_USE = Grant("UPDATE", JOBS, ("used_at",))
WRITE_JOBS = (Grant("INSERT", JOBS), Grant("UPDATE", JOBS))
DELETE_MATERIAL = (Grant("DELETE", COLLECTIONS), Grant("DELETE", EDITS), Grant("DELETE", STEPS))
"""Cards, questions and edits are deleted with their collection, as the owner of the tables."""
WRITE_EDITS = (
    *(Grant("INSERT", table) for table in (EDITS, ITEM_EDITS, ADDED_ITEMS)),
    *(Grant("UPDATE", table) for table in (EDITS, ITEM_EDITS)),
    *(Grant("DELETE", table) for table in (FLASHCARDS, QUIZ_QUESTIONS, ADDED_ITEMS)),
)
FIND_STEPS_OF_JOB = Grant("SELECT", STEPS, ("job_id",))
REUSE_STEPS = (Grant("SELECT", STEPS), Grant("INSERT", STEPS))
ADD_ITEMS = (
    *(Grant("INSERT", table) for table in (EDITS, ADDED_ITEMS)),
    Grant("UPDATE", EDITS),
    Grant("DELETE", ADDED_ITEMS),
)
WRITE_MATERIAL = tuple(Grant("INSERT", table) for table in (COLLECTIONS, FLASHCARDS, QUIZ_QUESTIONS))

GRANTS: Mapping[str, tuple[Grant, ...]] = {
    "gateway": (*READ_RESULTS, *WRITE_JOBS, *DELETE_MATERIAL, *WRITE_EDITS, FIND_STEPS_OF_JOB),
    "chat": (*READ_RESULTS, NOTE_USE),
    "ai-worker": (*READ_RESULTS, *WRITE_JOBS, *DELETE_MATERIAL, *REUSE_STEPS),
    "collection-worker": (
        *(*READ_RESULTS, *WRITE_JOBS, *DELETE_MATERIAL, *WRITE_MATERIAL),
        *(*ADD_ITEMS, *REUSE_STEPS),
    ),
    "cron": (Grant("SELECT", JOBS, ("id", "finished_at", "used_at")), Grant("DELETE", JOBS)),
    "operator": (
        Grant("SELECT", COLLECTIONS, ("id",)),
        Grant("SELECT", EDITS, ("id",)),
        Grant("SELECT", JOBS),
        *WRITE_JOBS,
        *DELETE_MATERIAL,
        FIND_STEPS_OF_JOB,
    ),
}
"""Service to its privileges. During an upgrade the services of the last release run with these too: take a privilege away one
release after the last statement that needs it. `operator` is the command `etude erase`."""
SERVICES = tuple(GRANTS)
IDLE_IN_TRANSACTION = "60s"
"""Time after which Postgres ends an open transaction of a service that sends nothing, because it holds locks."""


def role_of(service: str) -> str:
    return "etude_" + service.replace("-", "_")


async def create_roles(connection: Connection, passwords: Mapping[str, str]) -> None:
    """Create the roles of these services that are missing, and set the passwords of all. A role may connect, and do nothing
    else until `grant_privileges` has run."""
    async with connection.transaction():
        await _run(
            connection, "REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC", await _database(connection)
        )
        for service, password in passwords.items():
            await _create_role(connection, role_of(service), password)


async def _create_role(connection: Connection, role: str, password: str) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    await _run(connection, f"{'ALTER' if exists else 'CREATE'} ROLE %I LOGIN PASSWORD %L", role, password)
    await _run(
        connection, "ALTER ROLE %I SET idle_in_transaction_session_timeout = %L", role, IDLE_IN_TRANSACTION
    )
    await _run(connection, "GRANT CONNECT ON DATABASE %I TO %I", await _database(connection), role)


async def grant_privileges(connection: Connection) -> None:
    """Give each role that exists exactly the privileges of `GRANTS`. Belongs into a transaction of the owner of the tables."""
    existing = await connection.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY($1::text[])", list(map(role_of, SERVICES))
    )
    roles = {row["rolname"] for row in existing}
    for service in SERVICES:
        if role_of(service) in roles:
            await connection.execute(";\n".join(_exact_grants(service)))


def _exact_grants(service: str) -> Iterator[str]:
    role = role_of(service)
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield from (grant.write_sql(role) for grant in GRANTS[service])


async def _database(connection: Connection) -> str:
    return await connection.fetchval("SELECT current_database()")


async def _run(connection: Connection, template: str, *values: str) -> None:
    """Run a statement that takes no parameters. Postgres itself quotes the values."""
    places = ", ".join(f"${number}::text" for number in range(2, len(values) + 2))
    await connection.execute(await connection.fetchval(f"SELECT format($1, {places})", template, *values))
