"""A real primary with its replica, and three real sentinels that watch it, all on loopback."""

import secrets
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, cast

import redis
from tests.deadline import DEADLINE_SECONDS

from local.ports import LOOPBACK, free_ports
from local.servers.server_process import ServerProcess, ServerSpec

NAME = "etude"
SENTINELS = 3
QUORUM = 2
DOWN_AFTER_MS = 1_000
POLL_SECONDS = 0.02
SERVER_CONFIG = """
bind {host}
port {port}
requirepass {password}
masterauth {password}
appendonly {appendonly}
appendfsync everysec
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
repl-ping-replica-period 1
min-replicas-max-lag 2
"""
SENTINEL_CONFIG = """
bind {host}
port {port}
requirepass {sentinel_password}
sentinel sentinel-pass {sentinel_password}
sentinel monitor {name} {host} {primary} {quorum}
sentinel auth-pass {name} {password}
sentinel down-after-milliseconds {name} {down_after}
sentinel failover-timeout {name} 5000
"""


class Node:
    """One process: a server, or a sentinel."""

    def __init__(
        self,
        folder: Path,
        binary: Path,
        password: str,
        config: str,
        *,
        is_sentinel: bool,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._environ = environ or {}
        self._folder, self._binary, self._config, self._is_sentinel = folder, binary, config, is_sentinel
        self.port = int(config.split("\nport ")[1].split("\n")[0])
        self.process = ServerProcess(
            ServerSpec(name=f"Redis {self.port}", folder=folder, stop_signal=signal.SIGTERM)
        )
        self.client = redis.Redis(
            host=LOOPBACK, port=self.port, password=password, socket_timeout=5.0, protocol=2
        )

    def start(self) -> None:
        """With its own file from before, if there is one: sentinels keep in it what they agreed upon."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / "redis.conf"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(self._config)
        mode = ["--sentinel"] if self._is_sentinel else []
        self.process.start(
            [str(self._binary), str(file), *mode], environ=self._environ, is_ready=self._answers
        )

    def stop(self) -> None:
        self.client.close()
        self.process.kill()

    def ask(self, *command: str | int) -> Any:
        return cast(Any, self.client).execute_command(*command)

    @property
    def role(self) -> str:
        try:
            return cast(bytes, self.ask("ROLE")[0]).decode()
        except redis.ConnectionError:  # cut, as sentinels do when they change it
            return cast(bytes, self.ask("ROLE")[0]).decode()

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except redis.RedisError:
            return False


class WatchedRedis:
    """Runs inside `with`. `url` is that of the sentinels."""

    def __init__(self, folder: Path, *, binary: Path, appendonly: bool = False) -> None:
        self.password, self._sentinel_password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._stack = ExitStack()
        ports = free_ports(2 + SENTINELS)
        configs = [
            SERVER_CONFIG.format(
                host=LOOPBACK, port=port, password=self.password, appendonly="yes" if appendonly else "no"
            )
            for port in ports[:2]
        ]
        self.servers = [
            Node(folder / f"server-{i}", binary, self.password, config, is_sentinel=False)
            for i, config in enumerate(configs)
        ]
        self.sentinels = [
            Node(
                folder / f"sentinel-{i}",
                binary,
                self._sentinel_password,
                self._sentinel_config(port, ports[0]),
                is_sentinel=True,
            )
            for i, port in enumerate(ports[2:])
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(f"{LOOPBACK}:{node.port}" for node in self.sentinels)
        return f"redis+sentinel://:{self.password}@{hosts}/{NAME}?sentinel_password={self._sentinel_password}"

    def url_of(self, server: Node) -> str:
        """Straight to one server, whoever is the primary."""
        return f"redis://:{self.password}@{LOOPBACK}:{server.port}"

    def _sentinel_config(self, port: int, primary: int) -> str:
        return SENTINEL_CONFIG.format(
            host=LOOPBACK,
            port=port,
            name=NAME,
            primary=primary,
            quorum=QUORUM,
            password=self.password,
            sentinel_password=self._sentinel_password,
            down_after=DOWN_AFTER_MS,
        )

    def __enter__(self) -> Self:
        with self._stack:
            for node in [*self.servers, *self.sentinels]:
                self._stack.callback(node.stop)
                node.start()
                if node is self.servers[1]:
                    node.ask("REPLICAOF", LOOPBACK, self.servers[0].port)
            self.wait_until_whole()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stack.close()

    @property
    def primary(self) -> Node:
        """As the first sentinel knows it."""
        _, port = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        return next(node for node in self.servers if node.port == int(port))

    @property
    def epoch(self) -> int:
        """Grows with every failover."""
        return int(_pairs(self.sentinels[0].ask("SENTINEL", "MASTER", NAME))["config-epoch"])

    @property
    def replica(self) -> Node:
        return next(node for node in self.servers if node is not self.primary)

    def wait_until_whole(self) -> None:
        """Until a replica follows the primary, and every sentinel knows both and the other sentinels."""
        _wait(lambda: self._is_followed() and all(map(self._is_informed, self.sentinels)))

    def wait_for_successor(self, gone: Node) -> None:
        """Until every sentinel names another primary, and that one is."""
        _wait(lambda: all(self._names_other(one, gone) for one in self.sentinels))
        _wait(lambda: self.primary.role == "master")

    def _names_other(self, one: Node, gone: Node) -> bool:
        return int(one.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1]) != gone.port

    def _is_followed(self) -> bool:
        if self.primary.role != "master" or self.replica.role != "slave":
            return False
        link = self.replica.ask("INFO", "replication")
        return link["master_link_status"] == "up" and int(link["master_port"]) == self.primary.port

    def _is_informed(self, one: Node) -> bool:
        known = _pairs(one.ask("SENTINEL", "MASTER", NAME))
        replicas = [_pairs(row) for row in one.ask("SENTINEL", "REPLICAS", NAME)]
        return (
            known["num-other-sentinels"] == str(SENTINELS - 1)
            and known["flags"] == "master"
            and [row["flags"] for row in replicas] == ["slave"]
        )


def _pairs(answer: Any) -> dict[str, str]:
    if isinstance(answer, dict):
        found = cast(dict[str, Any], answer)
        return {name: str(value) for name, value in found.items()}
    flat = [value.decode() for value in answer]
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while not _holds(is_so):
        if time.monotonic() > until:
            raise TimeoutError("the sentinels do not agree")
        time.sleep(POLL_SECONDS)  # noqa: TID251 - other processes send no signal when they have agreed


def _holds(is_so: Callable[[], bool]) -> bool:
    try:
        return is_so()
    except (redis.RedisError, StopIteration):
        return False  # one of them is about to change
