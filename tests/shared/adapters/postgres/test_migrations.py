"""The schema, and how a database gets there."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from tests.servers import create_database

from local.servers.postgres_server import PostgresServer
from shared.adapters.postgres.connection import connect
from shared.adapters.postgres.migrations import (
    UnknownRevision,
    current_revision,
    make_config,
    migrate,
    write_sql,
)

SCHEMA = """
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS said
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    ORDER BY said
"""


@pytest.fixture
def empty_url(postgres_server: PostgresServer) -> str:
    """A database nobody has migrated."""
    return asyncio.run(create_database(postgres_server.url, "migrated"))


async def describe(url: str) -> list[str]:
    connection = await connect(url)
    try:
        return [row["said"] for row in await connection.fetch(SCHEMA)]
    finally:
        await connection.close()


async def revision_of(url: str) -> str | None:
    connection = await connect(url)
    try:
        return await current_revision(connection)
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def newest() -> str | None:
    return ScriptDirectory.from_config(make_config()).get_current_head()


def test_an_empty_database_is_migrated_to_the_newest_revision(empty_url: str) -> None:
    assert asyncio.run(revision_of(empty_url)) is None
    migrate(empty_url)
    assert asyncio.run(revision_of(empty_url)) == newest()
    assert any(said.startswith("async_jobs.id uuid") for said in asyncio.run(describe(empty_url)))


def test_migrating_again_changes_nothing(empty_url: str) -> None:
    migrate(empty_url)
    before = asyncio.run(describe(empty_url))
    migrate(empty_url)
    assert asyncio.run(describe(empty_url)) == before
    assert write_sql(newest()) == ""


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(migrate, [empty_url] * 8)) == [None] * 8
    assert asyncio.run(revision_of(empty_url)) == newest()


def test_single_migrations_give_the_same_schema_as_all_together(
    empty_url: str, postgres_server: PostgresServer
) -> None:
    migrate(empty_url)
    at_once = asyncio.run(describe(empty_url))
    stepwise_url = asyncio.run(create_database(postgres_server.url, "stepwise"))
    previous: str | None = None
    for script in reversed(list(ScriptDirectory.from_config(make_config()).walk_revisions())):
        asyncio.run(execute(stepwise_url, write_sql(previous, until=script.revision)))
        previous = script.revision
    assert asyncio.run(describe(stepwise_url)) == at_once


def test_a_migration_that_fails_half_way_leaves_nothing_behind(empty_url: str) -> None:
    asyncio.run(execute(empty_url, "CREATE TABLE quiz_questions (in_the_way int)"))
    before = asyncio.run(describe(empty_url))
    with pytest.raises(Exception, match="already exists"):
        migrate(empty_url)
    assert asyncio.run(describe(empty_url)) == before


def test_a_database_of_a_newer_release_is_left_alone(empty_url: str) -> None:
    migrate(empty_url)
    asyncio.run(execute(empty_url, "UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnknownRevision):
        migrate(empty_url)


def test_migrations_form_one_line_and_none_goes_back() -> None:
    scripts = ScriptDirectory.from_config(make_config())
    assert len(scripts.get_heads()) == 1
    assert [one.revision for one in scripts.walk_revisions() if hasattr(one.module, "downgrade")] == []


def test_it_runs_as_a_process_of_its_own_and_never_prints_a_password(empty_url: str, tmp_path: Path) -> None:
    def run(url: str) -> subprocess.CompletedProcess[str]:
        secret = tmp_path / "url"
        secret.write_text(url)
        return subprocess.run(
            [sys.executable, "-m", "shared.runtime.cli.migrate"],
            env={"ETUDE_POSTGRES_URL_FILE": str(secret)},
            capture_output=True,
            text=True,
        )

    assert run(empty_url).returncode == 0
    assert asyncio.run(revision_of(empty_url)) == newest()
    wrong = run(empty_url.replace("@", "wrong@"))
    assert wrong.returncode == 1
    assert "wrong" not in wrong.stdout + wrong.stderr
    assert "database.migration_failed" in wrong.stdout


SAVE_OF_THE_FIRST_RELEASE = """
    INSERT INTO async_jobs (id, user_id, kind, status, attempt, created_at, finished_at, plan, model, generated_by,
        fallback_used, prompt_tokens, completion_tokens, windows, title)
    VALUES ('01920000-0000-7000-8000-000000000001', 'ada', 'quiz', 'failed', 1, now(), now(), 'free', 'm', 'openai',
        FALSE, 70, 30, '{}', '')
    ON CONFLICT (id) DO UPDATE SET prompt_tokens = excluded.prompt_tokens
"""


def test_rows_of_the_first_release_have_no_cached_and_no_reasoning_tokens(empty_url: str) -> None:
    asyncio.run(execute(empty_url, write_sql(None, until="0001")))
    asyncio.run(execute(empty_url, SAVE_OF_THE_FIRST_RELEASE))
    migrate(empty_url)
    assert asyncio.run(token_counts(empty_url)) == (70, 30, 0, 0)


def test_the_first_release_writes_to_the_newest_schema(empty_url: str) -> None:
    migrate(empty_url)
    asyncio.run(execute(empty_url, SAVE_OF_THE_FIRST_RELEASE))
    asyncio.run(execute(empty_url, "UPDATE async_jobs SET prompt_tokens = 90, cached_tokens = 80"))
    asyncio.run(execute(empty_url, SAVE_OF_THE_FIRST_RELEASE))
    assert asyncio.run(token_counts(empty_url)) == (70, 30, 80, 0)


async def token_counts(url: str) -> tuple[int, ...]:
    connection = await connect(url)
    try:
        row = await connection.fetchrow(
            "SELECT prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens FROM async_jobs"
        )
        assert row is not None
        return tuple(row.values())
    finally:
        await connection.close()
