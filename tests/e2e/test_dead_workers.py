"""A worker that is killed in the middle of a job: another one ends it, and nothing is bought twice."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from tests.e2e.running import STOP_SECONDS, RunningStack, events_until_done

from local.ports import free_ports

pytestmark = pytest.mark.e2e
TEXT = (Path(__file__).parents[1] / "texts" / "solar_system.en.txt").read_text(encoding="utf-8")


class Simulator:
    """The provider's API as a process, ruled over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._control = httpx.Client(base_url=url.removesuffix("/v1") + "/_control", trust_env=False)

    def let_next_call_hang(self) -> None:
        self._control.post("/faults", json={"add": [{"kind": "hang"}]}).raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        return self._control.get("/journal").raise_for_status().json()["calls"]

    def close(self) -> None:
        self._control.close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.provider"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        simulator = Simulator(process.stdout.readline().removeprefix("ready: ").strip())
        yield simulator
        simulator.close()
        process.kill()
        process.wait(STOP_SECONDS)


def test_a_job_whose_worker_is_killed_ends_elsewhere_and_no_step_is_bought_twice(
    tmp_path: Path, simulator: Simulator
) -> None:
    environ = {"OPENAI_API_KEY": "sk-simulated", "OPENAI_BASE_URL": simulator.url}
    with RunningStack(tmp_path, free_ports(1)[0], environ) as stack, stack.client as client:
        simulator.let_next_call_hang()
        path = client.post("/api/collections", json={"text": TEXT}).headers["Location"]
        attempts: list[int] = []
        killed_at = taken_over_at = 0.0
        end: dict[str, Any] = {}
        for name, data in events_until_done(client, f"{path}/events"):
            if name == "status" and data["status"] == "running":
                attempts.append(data["attempt"])
                taken_over_at = monotonic()
            elif name == "progress" and data["done"] == 1 and not killed_at:
                # one step is bought and kept, the other one hangs
                stack.process_of("collection_worker").kill()
                killed_at = monotonic()
            elif name == "done":
                end = data
        collection = client.get(path).json()

    print(f"taken over {taken_over_at - killed_at:.1f} s after the kill")  # noqa: T201 - printed, never asserted
    assert attempts == [1, 2]
    assert end["status"] == "succeeded"
    assert collection["status"] == "ready"
    assert collection["flashcards"]
    calls = simulator.calls()
    states = {
        call_id: [call["state"] for call in calls if call["call_id"] == call_id] for call_id in ids(calls)
    }
    assert sorted(states.values()) == [["answered"], ["hung_up", "answered"]]


def ids(calls: list[dict[str, Any]]) -> set[str]:
    return {call["call_id"] for call in calls}
