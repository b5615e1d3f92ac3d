"""A Redis Cluster, used as if it were one server: each command goes to the node that serves its key's slot.

Every node has the same plain pool a single server has. What the nodes say about their slots is asked again whenever
one is gone or sends a command elsewhere. A command may be asked twice, as with one server. A slot that is being moved
to another node counts as away: a script must find all keys of its shard in one place.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.adapters.redis.client import Arg, Command, PubSub, Server, SyncRedisClient
from shared.adapters.redis.durability import mark

LOST = (RedisConnectionError, RedisTimeoutError, OSError)
"""The node cannot be reached: another one may have taken its place."""
ROUNDS = 4
"""How often a command is sent on. A cluster that agrees with itself needs one."""
SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}


class Slots:
    """What is known of who serves what. Nodes are named by their URL."""

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        auth, at, hosts = rest.partition("/")[0].rpartition("@")
        self._prefix = f"{SCHEMES[scheme]}://{auth}{at}"
        self._seeds = [f"{self._prefix}{host}" for host in hosts.split(",")]
        self._ranges: list[tuple[int, int, str]] = []
        self._others: list[str] = []
        self.version = 0
        """How often it was learnt."""

    def learn(self, answer: Any, asked: str) -> None:
        """Take in what `CLUSTER SLOTS` answered. A node that does not know its own name has the one we asked it by."""
        self._ranges, self._others = [], []
        for first, last, primary, *replicas in answer:
            self._ranges.append((first, last, self._url(primary, asked)))
            self._others += [self._url(replica, asked) for replica in replicas]
        self.version += 1

    def _url(self, node: Any, asked: str) -> str:
        host = (
            node[0].decode() if node[0] else asked.removeprefix(self._prefix).rpartition(":")[0].strip("[]")
        )
        return f"{self._prefix}{f'[{host}]' if ':' in host else host}:{node[1]}"

    def owner(self, command: Command) -> str:
        """Who serves the command's key. One without a key goes where slot 0 is."""
        slot = key_slot(_as_bytes(_key_of(command))) if len(command) > 1 else 0
        for first, last, url in self._ranges:
            if first <= slot <= last:
                return url
        raise RedisConnectionError("no node of the cluster serves this slot")

    @property
    def primaries(self) -> list[str]:
        return sorted({url for _, _, url in self._ranges})

    def informants(self, doubtful: Collection[str] = ()) -> list[str]:
        """Everybody who may know, who did not answer just now last."""
        known = dict.fromkeys((*self.primaries, *self._others, *self._seeds))
        return sorted(known, key=lambda url: url in doubtful)


def is_cluster(url: str) -> bool:
    """`redis+cluster://:password@host:port,host:port`: some of the nodes, the others are found through them."""
    return url.partition("://")[0] in SCHEMES


def _key_of(command: Command) -> Arg:
    """Every command we use has its key first, and every script its one key after its hash and their number."""
    return command[3 if command[0] in ("EVALSHA", "EVAL") else 1]


def _as_bytes(key: Arg) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode()


def _is_misplaced(answer: Any) -> bool:
    """Whether to ask again who serves this."""
    return isinstance(answer, LOST) or (
        isinstance(answer, ResponseError) and str(answer).startswith("MOVED ")
    )


class Cluster:
    """Stands where one server's client does: short commands, pipelines of them, and the listening connection."""

    def __init__(self, url: str, connect: Callable[[str], Server]) -> None:
        self.slots = Slots(url)
        self._connect = connect
        self._nodes: dict[str, Server] = {}
        self._learning = asyncio.Lock()
        self._turn = 0

    def node(self, url: str) -> Server:
        if url not in self._nodes:
            self._nodes[url] = self._connect(url)
        return self._nodes[url]

    async def nodes(self) -> list[Server]:
        """The clients of all nodes that serve slots."""
        await self.know()
        return [self.node(url) for url in self.slots.primaries]

    async def know(self) -> None:
        """Learn the slots if nobody has yet."""
        if self.slots.version == 0:
            await self.learn(seen=0)

    async def learn(self, *, seen: int, doubtful: Collection[str] = ()) -> None:
        """Ask again who serves what, unless somebody has since version `seen`. Raises when no node answers."""
        async with self._learning:
            if self.slots.version != seen:
                return
            for url in self.slots.informants(doubtful):
                try:
                    answer = await self.node(url).execute_command("CLUSTER", "SLOTS")
                except LOST:
                    continue
                self.slots.learn(answer, url)
                return
        raise RedisConnectionError("no node of the cluster answers")

    async def execute_command(self, *command: Arg) -> Any:
        (answer,) = await self.execute_many([command])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def execute_many(self, commands: Sequence[Command], confirm: Command = ()) -> list[Any]:
        """All answers, in their order; an answer may be an exception. One round trip to each node concerned, each with
        its confirmation behind it if there is one."""
        await self.know()
        answers: list[Any] = [None] * len(commands)
        asked: dict[int, str] = {}
        left = list(range(len(commands)))
        for _ in range(ROUNDS):
            version = self.slots.version
            by_owner: dict[str, list[int]] = {}
            for i in left:
                asked[i] = self.slots.owner(commands[i])
                by_owner.setdefault(asked[i], []).append(i)
            async with asyncio.TaskGroup() as asking:
                for url, mine in by_owner.items():
                    asking.create_task(self._ask(url, mine, commands, answers, confirm))
            left = [i for i in left if _is_misplaced(answers[i])]
            if not left:
                break
            lost = {asked[i] for i in left if isinstance(answers[i], LOST)}
            await self.learn(seen=version, doubtful=lost)
            # Gone, and nobody in its place yet: the caller waits better than we can.
            left = [i for i in left if self.slots.owner(commands[i]) not in lost]
        return answers

    async def _ask(
        self, url: str, mine: list[int], commands: Sequence[Command], answers: list[Any], confirm: Command
    ) -> None:
        pipeline = self.node(url).pipeline(transaction=False)
        for i in mine:
            pipeline.execute_command(*commands[i])
        if confirm:
            pipeline.execute_command(*confirm)
        try:
            told = await pipeline.execute(raise_on_error=False)
            told = mark(told) if confirm else told
        except Exception as error:  # noqa: BLE001 - whatever it was, it is the answer of these and of no other node's
            told = [error] * len(mine)
        for i, answer in zip(mine, told, strict=True):
            answers[i] = answer

    def pubsub(self) -> PubSub:
        """Listen at one node: what is published at any of them reaches all. The next call takes the next node."""
        informants = self.slots.primaries or self.slots.informants()
        self._turn += 1
        return self.node(informants[self._turn % len(informants)]).pubsub()

    async def aclose(self) -> None:
        for node in self._nodes.values():
            await node.aclose()


class SyncCluster:
    """For the renewal thread: one command at a time."""

    def __init__(self, url: str, connect: Callable[[str], SyncRedisClient]) -> None:
        self.slots = Slots(url)
        self._connect = connect
        self._nodes: dict[str, SyncRedisClient] = {}

    def execute_command(self, *command: Arg) -> Any:
        if self.slots.version == 0:
            self._learn()
        for _ in range(ROUNDS):
            url = self.slots.owner(command)
            try:
                return self._ask(url, command)
            except (*LOST, ResponseError) as error:
                if not _is_misplaced(error):
                    raise
                self._learn(doubtful=url)
                if isinstance(error, LOST) and self.slots.owner(command) == url:
                    raise
        raise RedisConnectionError("sent from node to node")

    def _learn(self, doubtful: str = "") -> None:
        for url in self.slots.informants([doubtful]):
            try:
                self.slots.learn(self._ask(url, ("CLUSTER", "SLOTS")), url)
            except LOST:
                continue
            return
        raise RedisConnectionError("no node of the cluster answers")

    def _ask(self, url: str, command: Command) -> Any:
        if url not in self._nodes:
            self._nodes[url] = self._connect(url)
        return self._nodes[url].execute_command(*command)

    def close(self) -> None:
        for node in self._nodes.values():
            node.close()
