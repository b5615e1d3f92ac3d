"""Starting, refusing to start, stopping: nothing is left behind, and what was made stays."""

import re
import socket
import stat
from pathlib import Path

import psutil
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.e2e.running import RunningStack, events_until_done, refused

from local.ports import free_ports

pytestmark = pytest.mark.e2e
TEXT = (
    "The mitochondrion is the organelle that produces most of the energy of a cell. "
    "Peter Mitchell described chemiosmosis in 1961. "
    "ATP synthase is the enzyme that makes ATP from ADP and phosphate. "
    "The inner membrane of a mitochondrion is folded into cristae."
)


def test_it_says_where_it_is_and_how_to_try_it(stack: RunningStack) -> None:
    ready = stack.lines.index(f"ready: {stack.url}")
    assert [line for line in stack.lines if line.startswith("ready:")] == [stack.lines[ready]]
    token = (stack.folder / "token").read_text().strip()
    assert stack.wait_for_line(lambda line: line.startswith("token: "), 10) == f"token: {token}"


def test_a_second_start_in_the_same_folder_says_so(stack: RunningStack) -> None:
    code, output = refused(stack.folder, free_ports(1)[0])
    assert code == 1
    assert output == f"etude: Etude already runs in {stack.folder} (process {stack.pid}): {stack.url}\n"


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output = refused(tmp_path, port)
    assert code == 1
    assert re.fullmatch(rf"etude: port {port} cannot be used \(.+\): set ETUDE_PORT to another\n", output)


def test_only_its_owner_can_read_how_to_reach_it(stack: RunningStack) -> None:
    for name in ("stack.json", "token"):
        assert stat.S_IMODE((stack.folder / name).stat().st_mode) == 0o600


def test_ctrl_c_leaves_no_process_behind_and_the_data_stay(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with RunningStack(tmp_path, port) as first:
        with first.client as client:
            path = client.post("/api/collections", json={"text": TEXT}).headers["Location"]
            *_, (_, end) = events_until_done(client, f"{path}/events")
            made = client.get(path).json()
        assert end["status"] == "succeeded"
        started = first.descendants()
        assert len(started) >= 7  # redis, postgres, gateway, chat, two workers, cron
        assert first.interrupt() == 0
        assert [process for process in started if process.is_running()] == []
        assert not (tmp_path / "stack.json").exists()

    with RunningStack(tmp_path, port) as second, second.client as client:
        assert client.get(path).json() == made
        assert second.interrupt() == 0


def test_a_killed_stack_leaves_no_process_behind_and_starts_again(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with RunningStack(tmp_path, port) as first:
        started = first.descendants()
        first.kill()
        _, alive = psutil.wait_procs(started, timeout=DEADLINE_SECONDS)
        assert alive == []

    with RunningStack(tmp_path, port) as second:
        assert second.interrupt() == 0
