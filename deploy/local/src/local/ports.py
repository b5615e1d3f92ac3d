"""Loopback ports: checks a wanted one, and finds free ones."""

import random
import socket
from itertools import islice

from local.errors import CannotRun

LOOPBACK = "127.0.0.1"
FIRST_PORT = 20_000
FIRST_EPHEMERAL_PORT = 32_768
"""First port that Linux gives to outgoing connections by default; other systems begin higher."""


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
    """`count` different ports that no process listens on now.

    The system gives none of them to an outgoing connection, so they are still free when the servers start.
    """
    candidates = random.sample(range(FIRST_PORT, FIRST_EPHEMERAL_PORT), FIRST_EPHEMERAL_PORT - FIRST_PORT)
    return list(islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
