"""What the rest of the code does with Redis: few operations, the same with one server, a cluster and a fake."""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

Arg = str | bytes | int | float
Command = Sequence[Arg]


class PubSub(Protocol):
    """A connection that listens to channels."""

    def subscribe(self, *channels: str) -> Awaitable[Any]: ...

    def unsubscribe(self, *channels: str) -> Awaitable[Any]: ...

    def get_message(self, *, timeout: float) -> Awaitable[dict[str, Any] | None]: ...

    def ping(self) -> Awaitable[Any]: ...

    async def aclose(self) -> None: ...


class BlockingClient(Protocol):
    """A connection that waits for new entries of streams."""

    async def execute_command(self, *command: Arg) -> Any: ...

    async def aclose(self) -> None: ...


class RedisClient(BlockingClient, Protocol):
    """Connections for short commands, to one server or to a cluster."""

    def pubsub(self) -> PubSub: ...


class Pipeline(Protocol):
    """Commands that one server is sent together."""

    def execute_command(self, *command: Arg) -> Any: ...

    async def execute(self, raise_on_error: bool = True) -> list[Any]: ...


class Server(RedisClient, Protocol):
    """Connections to one server. redis-py's `Redis` is one."""

    def pipeline(self, transaction: bool = True) -> Pipeline: ...


class SyncRedisClient(Protocol):
    """A connection for a thread that must not depend on the event loop."""

    def execute_command(self, *command: Arg) -> Any: ...

    def close(self) -> None: ...
