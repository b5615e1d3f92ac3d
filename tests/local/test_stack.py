"""The services together: announced when they answer, stopped from the door inwards."""

import asyncio
from pathlib import Path

from tests.deadline import DEADLINE_SECONDS
from tests.local.lines import Lines

from local.ports import free_ports
from local.services.service_specs import ServiceSpecs
from local.services.supervised_process import ServiceSpec
from local.stack import Stack

SERVER = """
import http.server, os, signal, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass

def leave(*_):
    print("left", os.environ["PLACE"], flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, leave)
http.server.HTTPServer(("127.0.0.1", int(os.environ["ETUDE_PORT"])), Answer).serve_forever()
"""
WORKER = """
import os, signal

def leave(*_):
    print("left", os.environ["PLACE"], flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, leave)
print("works", flush=True)
while True: signal.pause()
"""
DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\nwhile True: signal.pause()"


class Running:
    """A stack of small services, and what it said."""

    def __init__(
        self, folder: Path, *, front: str = SERVER, worker: str = WORKER, ready_seconds: float = 30.0
    ) -> None:
        ports = free_ports(2)
        (folder / "front.py").write_text(front)
        (folder / "worker.py").write_text(worker)
        services = ServiceSpecs(
            gateway=_program(folder, "gateway", "front", 1, ports[0]),
            chat=_program(folder, "chat", "front", 2, ports[1]),
            workers=(_program(folder, "worker", "worker", 3, 0),),
            probes=((ports[0], "/readyz"), (ports[1], "/readyz")),
        )
        self.lines = Lines()
        self.stop = asyncio.Event()
        self.stack = Stack(services, self.lines, ready_seconds=ready_seconds)

    async def run(self, greeted: asyncio.Event) -> bool:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.stack.run(self.stop, on_ready=greeted.set)


def _program(folder: Path, name: str, module: str, place: int, port: int) -> ServiceSpec:
    environ = {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PLACE": str(place),
        "ETUDE_PORT": str(port),
    }
    return ServiceSpec(name=name, module=module, environ=environ, stop_seconds=20.0)


async def test_it_is_ready_when_every_service_responds_and_stops_the_gateway_first(tmp_path: Path) -> None:
    running, greeted = Running(tmp_path), asyncio.Event()
    life = asyncio.create_task(running.run(greeted))
    await running.lines.wait_for(lambda lines: "works" in lines)
    await greeted.wait()
    running.stop.set()
    assert await life is True
    assert [line for line in running.lines.seen if line.startswith("left")] == ["left 1", "left 2", "left 3"]


async def test_services_that_never_become_ready_are_stopped(tmp_path: Path) -> None:
    running, greeted = Running(tmp_path, ready_seconds=0.0), asyncio.Event()
    assert await running.run(greeted) is False
    assert not greeted.is_set()


async def test_a_service_that_keeps_crashing_before_the_start_ends_the_stack(tmp_path: Path) -> None:
    running, greeted = Running(tmp_path, front="raise SystemExit(1)"), asyncio.Event()
    assert await running.run(greeted) is False
    assert not greeted.is_set()


async def test_a_stop_before_it_is_ready_is_not_a_failure(tmp_path: Path) -> None:
    running, greeted = Running(tmp_path), asyncio.Event()
    running.stop.set()
    assert await running.run(greeted) is True
    assert not greeted.is_set()


async def test_a_stack_can_be_killed_without_waiting_for_its_workers(tmp_path: Path) -> None:
    running, greeted = Running(tmp_path, worker=DEAF), asyncio.Event()
    life = asyncio.create_task(running.run(greeted))
    await greeted.wait()
    await running.lines.wait_for(lambda lines: "deaf" in lines)
    running.stop.set()
    running.stack.kill()
    assert await life is True
    assert not any("did not stop" in line for line in running.lines.seen)
