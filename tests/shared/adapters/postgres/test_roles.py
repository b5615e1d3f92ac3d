"""Each service's role can run the statements of its service, none of the others, and has no privilege that is not needed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it ships none
import msgspec
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.factories import make_card, make_final_job
from tests.servers import create_database

from local.servers.postgres_roles import create_service_roles
from local.servers.postgres_server import PostgresServer
from shared.adapters.postgres.connection import Connection, connect, translate_errors
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.result_rows import statement
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.postgres.roles import GRANTS, SERVICES, Grant, grant_privileges, role_of
from shared.domain.errors import PreconditionFailed, StoreUnavailable
from shared.domain.jobs.bought_step import BoughtStep
from shared.domain.jobs.collection_filter import CollectionFilter
from shared.domain.jobs.job import Kind, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.material import ItemCounts, MadeItems, Quality

JOB = make_final_job()
COLLECTION = make_final_job(kind=Kind.COLLECTION)
STEP = BoughtStep(content="digest", asked=ItemCounts(), completion=b"{}")
USER = UserId("ada")


class Role:
    """A service's store, and a connection as its role."""

    def __init__(self, store: ResultStore, connection: Connection) -> None:
        self.store = store
        self.connection = connection


async def note_use(role: Role) -> None:
    async with translate_errors():
        await role.connection.execute(statement("use_job"), JOB.id)


async def rename(role: Role) -> None:
    with suppress(PreconditionFailed):
        await role.store.edits.rename(JOB, "Water")


async def edit_item(role: Role) -> None:
    async with translate_errors():
        with suppress(asyncpg.ForeignKeyViolationError):
            await role.connection.execute(statement("edit_item"), JOB.id, "c1", "{}")


async def add_item(role: Role) -> None:
    async with translate_errors():
        with suppress(asyncpg.ForeignKeyViolationError):
            await role.connection.execute(statement("add_item"), JOB.id, "c1", "flashcard", "{}", "")


async def delete_item(role: Role) -> None:
    async with translate_errors():
        await role.connection.execute(statement("delete_item"), JOB.id, "c1")


def made_items() -> JobSnapshot:
    made = MadeItems(
        collection_id=COLLECTION.id, language="fr", flashcards=[make_card()], quiz=[], quality=Quality()
    )
    return make_final_job(kind=Kind.ITEMS, result=msgspec.json.encode(made))


OPERATIONS: dict[str, Callable[[Role], Awaitable[object]]] = {
    "ping": lambda role: role.store.ping(),
    "find": lambda role: role.store.find(JOB.id, user=JOB.user),
    "note_use": note_use,
    "list": lambda role: role.store.list_jobs(USER, kinds=["quiz"], before=None, limit=1),
    "list_collections": lambda role: role.store.list_collections(
        USER, CollectionFilter(), before=None, limit=1
    ),
    "rename": rename,
    "edit_item": edit_item,
    "add_item": add_item,
    "delete_item": delete_item,
    "save": lambda role: role.store.save([JOB]),
    "save_steps": lambda role: role.store.save([make_final_job(steps=(STEP,))]),
    "find_step": lambda role: role.store.find_step(USER, STEP.content, STEP.asked),
    "save_items": lambda role: role.store.save([COLLECTION, made_items()]),
    "jobs_adding_items": lambda role: role.store.jobs_adding_items(USER, JOB.id),
    "save_collection": lambda role: role.store.save([make_final_job(kind=Kind.COLLECTION)]),
    "save_records": lambda role: role.store.save_records([JOB]),
    "remove": lambda role: role.store.remove(USER, JOB.id),
    "remove_records": lambda role: role.store.remove_records([JOB]),
    "jobs_of_user": lambda role: role.store.jobs_of_user(USER, limit=1),
    "erase": lambda role: role.store.erase(USER, [JOB.id]),
    "prune": lambda role: role.store.prune(before=0.0),
    "charged_before": lambda role: role.store.charged_before(0.0, ["2026-11"], after=None, limit=1),
    "stats": lambda role: role.store.stats(),
}
FREE = {"ping", "stats"}
"""Operations that read no table, which every role may therefore do."""
WORK = {
    "find",
    "note_use",
    "find_step",
    "save",
    "save_steps",
    "save_records",
    "remove",
    "remove_records",
    "charged_before",
}
NEEDS = {
    "gateway": {
        *("find", "note_use", "list", "list_collections", "rename", "jobs_adding_items"),
        *("edit_item", "add_item", "delete_item"),
        *("remove", "remove_records", "jobs_of_user", "erase"),
    },
    "chat": {"find", "note_use"},
    "ai-worker": WORK,
    "collection-worker": WORK | {"save_collection", "save_items"},
    "cron": {"prune"},
    "operator": {"remove", "remove_records", "jobs_of_user", "erase"},
}
IMPLIED = {
    "gateway": {"save", "save_records", "charged_before"},
    "chat": {"list", "list_collections", "jobs_adding_items", "jobs_of_user", "charged_before"},
    "ai-worker": {"list", "list_collections", "jobs_adding_items", "jobs_of_user", "erase"},
    "collection-worker": {
        *("rename", "add_item", "list", "list_collections", "jobs_adding_items"),
        *("jobs_of_user", "erase"),
    },
    "cron": set[str](),
    "operator": {"jobs_adding_items", "note_use", "save", "save_records", "charged_before"},
}
"""Operations that a service does not call, and that its other statements need the privileges of."""
FORBIDDEN = (
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "DROP TABLE async_jobs",
    "TRUNCATE async_jobs CASCADE",
    "ALTER TABLE async_jobs DISABLE TRIGGER ALL",
    "COPY async_jobs TO PROGRAM 'id'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT * FROM alembic_version",
    "CREATE ROLE mine",
    "SET ROLE etude",
)


@pytest.fixture
def role_urls(postgres_server: PostgresServer) -> dict[str, str]:
    """URLs by service, and the superuser's under ``."""
    url = asyncio.run(create_database(postgres_server.url, "roles"))
    urls = asyncio.run(create_service_roles(url))
    migrate(url)
    return {**urls, "": url}


@asynccontextmanager
async def opened(urls: Mapping[str, str], service: str) -> AsyncGenerator[Role]:
    store = await ResultStore.open(urls[service], name="tests")
    connection = await connect(urls[service])
    try:
        yield Role(store, connection)
    finally:
        await connection.close()
        await store.close()


async def allowed(role: Role, names: Iterable[str] = tuple(OPERATIONS)) -> set[str]:
    found = set[str]()
    for name in names:
        try:
            await OPERATIONS[name](role)
        except StoreUnavailable:
            continue
        found.add(name)
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_can_do_what_its_service_does_and_nothing_else(
    role_urls: dict[str, str], service: str
) -> None:
    async with opened(role_urls, service) as role:
        assert await allowed(role) == NEEDS[service] | IMPLIED[service] | FREE


@pytest.mark.parametrize("service", SERVICES)
async def test_no_privilege_is_granted_without_need(role_urls: dict[str, str], service: str) -> None:
    owner = await connect(role_urls[""])
    try:
        async with opened(role_urls, service) as role:
            for grant in GRANTS[service]:
                for part in _parts_of(grant):
                    revoked = (
                        part.write_sql(role_of(service)).replace("GRANT", "REVOKE").replace(" TO ", " FROM ")
                    )
                    await owner.execute(revoked)
                    assert await allowed(role, NEEDS[service]) != NEEDS[service], (
                        f"{service} does not need {part}"
                    )
                    async with owner.transaction():
                        await grant_privileges(owner)
            assert await allowed(role, NEEDS[service]) == NEEDS[service]
    finally:
        await owner.close()


def _parts_of(grant: Grant) -> list[Grant]:
    return [Grant(grant.privilege, grant.table, (column,)) for column in grant.columns] or [grant]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_is_refused_everything_beside_the_rows(role_urls: dict[str, str], service: str) -> None:
    async with opened(role_urls, service) as role:
        for forbidden in FORBIDDEN:
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                await role.connection.execute(forbidden)


async def test_the_cron_reads_no_text(role_urls: dict[str, str]) -> None:
    async with opened(role_urls, "cron") as role:
        for column in ("result", "title", "user_id"):
            with pytest.raises(Exception, match="permission denied"):
                await role.connection.execute(f"SELECT {column} FROM async_jobs")


async def test_pruned_collections_lose_their_material_although_the_cron_may_not_touch_it(
    role_urls: dict[str, str],
) -> None:
    collection = make_final_job(kind=Kind.COLLECTION)
    async with opened(role_urls, "collection-worker") as worker, opened(role_urls, "cron") as cron:
        await worker.store.save([collection])
        assert await cron.store.prune(before=collection.finished_at + 1) == 1
        assert await worker.connection.fetchval("SELECT count(*) FROM flashcards") == 0


async def test_the_connections_of_all_roles_are_counted(role_urls: dict[str, str]) -> None:
    async with opened(role_urls, "cron") as cron, opened(role_urls, "gateway"), opened(role_urls, "chat"):
        assert (await cron.store.stats()).connections >= 3


async def test_a_new_password_replaces_the_last_one(role_urls: dict[str, str]) -> None:
    renewed = await create_service_roles(role_urls[""])
    with pytest.raises(Exception, match="password authentication failed"):
        await connect(role_urls["chat"])
    await (await connect(renewed["chat"])).close()


def test_the_command_creates_a_role_for_each_password_file(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = asyncio.run(create_database(postgres_server.url, "roles"))
    (tmp_path / "chat-password").write_text("it's a \\ secret\n")
    done = subprocess.run(
        [sys.executable, "-m", "shared.runtime.cli.create_roles", str(tmp_path)],
        env={"ETUDE_POSTGRES_URL": url},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "database.roles_created" in done.stdout
    server = urlsplit(url)
    password = quote("it's a \\ secret")
    address = f"etude_chat:{password}@{server.hostname}:{server.port}"
    asyncio.run(_run(server._replace(netloc=address).geturl(), "SELECT 1"))


def test_a_database_without_the_roles_is_migrated(postgres_server: PostgresServer) -> None:
    url = asyncio.run(create_database(postgres_server.url, "roles"))
    asyncio.run(create_service_roles(url))
    asyncio.run(_drop_roles(url))
    migrate(url)


async def test_an_owner_that_is_no_superuser_grants_the_privileges(postgres_server: PostgresServer) -> None:
    url = await create_database(postgres_server.url, "roles")
    urls = await create_service_roles(url)
    superuser = await connect(url)
    try:
        await superuser.execute("CREATE ROLE owner LOGIN PASSWORD 'owner'")
        await superuser.execute("ALTER DATABASE roles OWNER TO owner")
        await asyncio.to_thread(migrate, urlsplit(url)._replace(netloc=_owner_at(url)).geturl())
        async with opened(urls, "chat") as role:
            assert await allowed(role, NEEDS["chat"]) == NEEDS["chat"]
    finally:
        await superuser.close()
        await create_database(postgres_server.url, "roles")
        await _run(postgres_server.url, "DROP ROLE owner")


def _owner_at(url: str) -> str:
    return f"owner:owner@{urlsplit(url).hostname}:{urlsplit(url).port}"


async def _drop_roles(url: str) -> None:
    await _run(url, *(f"DROP OWNED BY {role}; DROP ROLE {role}" for role in map(role_of, SERVICES)))


async def _run(url: str, *statements: str) -> None:
    connection = await connect(url)
    try:
        for each in statements:
            await connection.execute(each)
    finally:
        await connection.close()
