"""Loopback ports: checks a wanted one, and finds free ones."""

import socket
from contextlib import ExitStack

from local.errors import CannotRun

LOOPBACK = "127.0.0.1"


def require_free(port: int, variable: str) -> None:
    """Raises `CannotRun` when another process listens on `port`. `variable` is the setting that changes it."""
    with socket.socket() as probe:
        # servers set it too: a connection in TIME_WAIT does not block them
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise CannotRun(
                f"port {port} cannot be used ({error.strerror}): set {variable} to another"
            ) from None


def free_ports(count: int) -> list[int]:
    """`count` different ports that no process listens on now."""
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in sockets]
