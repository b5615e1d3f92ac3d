"""Ports: a busy one is refused in one line, and free ones are free."""

import socket

import pytest

from local.errors import CannotRun
from local.ports import LOOPBACK, free_ports, require_free


def test_a_busy_port_is_refused_and_the_variable_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            CannotRun, match=rf"^port {port} cannot be used \(.*\): set ETUDE_PORT to another$"
        ):
            require_free(port, "ETUDE_PORT")


def test_free_ports_are_different_and_usable() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        require_free(port, "ETUDE_PORT")
