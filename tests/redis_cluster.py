"""A real Redis Cluster on loopback: three nodes that serve slots, each with replicas if a test wants to kill one."""

import secrets
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, cast

import redis
from tests.deadline import DEADLINE_SECONDS

from local.ports import LOOPBACK, free_ports
from local.servers.server_process import ServerProcess, ServerSpec

SLOTS = 16_384
PRIMARIES = 3
POLL_SECONDS = 0.02
QUICK_MS, PATIENT_MS = 1_000, 15_000
"""After how long a silent node is failed over: quick to form and to be tested, patient while other tests load the machine."""
CONFIG = """
bind {host}
port {port}
cluster-enabled yes
cluster-port {bus_port}
cluster-node-timeout {timeout}
cluster-replica-validity-factor 0
requirepass {password}
masterauth {password}
appendonly no
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
"""


class Node:
    """One server of the cluster."""

    def __init__(self, folder: Path, binary: Path, password: str) -> None:
        self._folder, self._binary, self._password = folder, binary, password
        self.port, self.bus_port = free_ports(2)
        server = ServerSpec(name=f"Redis {self.port}", folder=folder, stop_signal=signal.SIGTERM)
        self.process = ServerProcess(server)
        self._client = redis.Redis(
            host=LOOPBACK, port=self.port, password=password, socket_timeout=5.0, protocol=2
        )

    def start(self) -> None:
        self._folder.mkdir(parents=True, mode=0o700)
        config = CONFIG.format(
            host=LOOPBACK,
            port=self.port,
            bus_port=self.bus_port,
            timeout=QUICK_MS,
            password=self._password,
        )
        self.process.start(
            [str(self._binary), "-"], environ={}, is_ready=self._answers, stdin=config.encode()
        )

    def stop(self) -> None:
        self._client.close()
        self.process.kill()

    def ask(self, *command: str | int) -> Any:
        return cast(Any, self._client).execute_command(*command)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except redis.RedisError:
            return False


class RedisCluster:
    """Runs inside `with`. The first three nodes serve the slots until one of them is killed."""

    def __init__(self, folder: Path, *, binary: Path, replicas: int) -> None:
        self._password = secrets.token_urlsafe(24)
        self._stack = ExitStack()
        self.nodes = [
            Node(folder / str(i), binary, self._password) for i in range(PRIMARIES * (1 + replicas))
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)
        return f"redis+cluster://:{self._password}@{hosts}"

    def __enter__(self) -> Self:
        with self._stack:
            for node in self.nodes:
                self._stack.callback(node.stop)
                node.start()
            self._form()
            self._stack = self._stack.pop_all()
        self.set_patience(PATIENT_MS)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stack.close()

    def _form(self) -> None:
        for i, node in enumerate(self.nodes):  # all of them before any has heard of another
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        for i, node in enumerate(self.nodes):
            for other in self.nodes[i + 1 :]:
                node.ask("CLUSTER", "MEET", LOOPBACK, other.port, other.bus_port)
        edges = [SLOTS * i // PRIMARIES for i in range(PRIMARIES + 1)]
        for node, first, after in zip(self.nodes, edges, edges[1:], strict=False):
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, after - 1)
        names = [_text(node.ask("CLUSTER", "MYID")) for node in self.nodes]
        _wait(
            lambda: all(name in _text(node.ask("CLUSTER", "NODES")) for node in self.nodes for name in names)
        )
        for i, node in enumerate(self.nodes[PRIMARIES:]):
            node.ask("CLUSTER", "REPLICATE", names[i % PRIMARIES])
        _wait(lambda: all(self._is_formed(node) for node in self.nodes))

    def _is_formed(self, node: Node) -> bool:
        if "cluster_state:ok" not in _text(node.ask("CLUSTER", "INFO")):
            return False
        replication = node.ask("INFO", "replication")
        return replication["role"] == "master" or replication["master_link_status"] == "up"

    def set_patience(self, milliseconds: int) -> None:
        for node in self.nodes:
            node.ask("CONFIG", "SET", "cluster-node-timeout", milliseconds)

    def owner(self, key: str) -> Node:
        """Who serves a key."""
        slot = int(self._running[0].ask("CLUSTER", "KEYSLOT", key))
        for first, last, (_, port, *_), *_ in self._running[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise LookupError(f"nobody serves {key}")

    def kill(self, node: Node) -> None:
        """As a crash would end it, with everything it had acknowledged at its replicas."""
        node.ask("WAIT", 1, 5_000)
        self.set_patience(QUICK_MS)
        node.process.kill()

    def wait_for_successor(self) -> None:
        """Until all that are left agree on who serves what in place of a node that was killed."""
        gone = {node.port for node in self.nodes} - {node.port for node in self._running}
        _wait(lambda: all(self._is_served(node, gone) for node in self._running))

    @property
    def _running(self) -> list[Node]:
        return [node for node in self.nodes if node.process.is_running]

    def _is_served(self, node: Node, gone: set[int]) -> bool:
        served_by = {primary[1] for _, _, primary, *_ in node.ask("CLUSTER", "SLOTS")}
        return self._is_formed(node) and not served_by & gone


def _text(answer: Any) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError("the cluster does not form")
        time.sleep(POLL_SECONDS)  # noqa: TID251 - other processes send no signal when they have agreed
