"""A worker that is killed in the middle of a job: another one ends it, and nothing is bought twice."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.e2e.running import RunningStack, events_until_done
from tests.paths import read_text
from tests.simulators.provider_process import ProviderProcess

from local.ports import free_ports

pytestmark = pytest.mark.e2e
TEXT = read_text("solar_system.en.txt")


def test_a_job_whose_worker_is_killed_ends_elsewhere_and_no_step_is_bought_twice(
    tmp_path: Path,
) -> None:
    with (
        ProviderProcess() as simulator,
        RunningStack(tmp_path, free_ports(1)[0], simulator.environ) as stack,
        stack.client as client,
    ):
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
        states = simulator.states()

    print(f"taken over {taken_over_at - killed_at:.1f} s after the kill")  # noqa: T201 - printed, never asserted
    assert attempts == [1, 2]
    assert end["status"] == "succeeded"
    assert collection["status"] == "ready"
    assert collection["flashcards"]
    assert sorted(states.values()) == [["answered"], ["hung_up", "answered"]]
