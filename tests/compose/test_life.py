"""What a fleet of containers is for: it takes work with nothing configured, grows, outlives its containers, keeps its data."""

import json
import time
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from tests.compose.fleet import Fleet, run
from tests.deadline import DEADLINE_SECONDS
from tests.e2e.running import events_until_done
from tests.paths import read_text
from tests.simulators.provider_process import ProviderProcess

pytestmark = pytest.mark.e2e
TEXT = read_text("solar_system.en.txt")


def test_a_job_and_a_collection_end_with_nothing_configured(fleet: Fleet) -> None:
    with fleet.client as client:
        asked = client.post("/api/ai", json={"kind": "flashcards", "input": {"text": TEXT}})
        assert asked.status_code == 202, asked.text
        *_, (_, end) = events_until_done(client, f"{asked.headers['Location']}/events")
        job = client.get(asked.headers["Location"]).json()
        collection = make_collection(fleet)

    assert (end["status"], job["status"], job["generated_by"]) == ("succeeded", "succeeded", "offline")
    assert job["result"]["flashcards"]
    assert collection["status"] == "ready"
    assert collection["flashcards"]


def test_a_job_of_a_killed_container_ends_in_another_one_and_is_paid_once(
    fleet: Fleet, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-simulated\n")
    with ProviderProcess(host=fleet.host_address()) as simulator:
        fleet.up(
            *("--scale", "ai-worker=3", "--scale", "collection-worker=2"),
            OPENAI_API_KEY_FILE=str(key),
            OPENAI_BASE_URL=simulator.url,
        )
        assert len(fleet.containers("ai-worker")) == 3
        simulator.let_next_call_hang()
        attempts, end, collection, seconds = collection_whose_worker_is_killed(fleet)
        states = simulator.states()

    print(f"taken over {seconds:.1f} s after the kill")  # noqa: T201 - printed, never asserted
    assert attempts == [1, 2]
    assert end["status"] == "succeeded"
    assert (collection["status"], collection["generated_by"]) == ("ready", "openai")
    assert sorted(states.values()) == [["answered"], ["hung_up", "answered"]]


def collection_whose_worker_is_killed(
    fleet: Fleet,
) -> tuple[list[int], dict[str, Any], dict[str, Any], float]:
    """The attempts it took, how it ended, what was made, and how long nobody worked on it."""
    attempts: list[int] = []
    end: dict[str, Any] = {}
    killed_at = taken_over_at = 0.0
    with fleet.client as client:
        path = client.post("/api/collections", json={"text": TEXT}).headers["Location"]
        for name, data in events_until_done(client, f"{path}/events"):
            if name == "status" and data["status"] == "running":
                attempts.append(data["attempt"])
                taken_over_at = monotonic()
            elif name == "progress" and data["done"] == 1 and not killed_at:
                # one step is bought and kept, the other one hangs
                run("docker", "kill", owner_of(fleet, path.rpartition("/")[2]))
                killed_at = monotonic()
            elif name == "done":
                end = data
        return attempts, end, client.get(path).json(), taken_over_at - killed_at


def owner_of(fleet: Fleet, job_id: str) -> str:
    """The container that holds the lease: a consumer is named after its host."""
    owner = fleet.redis("operator", "HGET", f"{{s0}}:job:{job_id}", "owner")
    (found,) = (c for c in fleet.containers("collection-worker") if c[:12] in owner)
    return found


def test_prometheus_finds_every_process_of_a_scaled_service(fleet: Fleet) -> None:
    fleet.up("--scale", "ai-worker=3")
    wanted = {"gateway": 1, "chat": 1, "ai-worker": 3, "collection-worker": 1, "cron": 1}
    with httpx.Client(base_url=fleet.prometheus_url, trust_env=False, timeout=DEADLINE_SECONDS) as prometheus:
        deadline = monotonic() + DEADLINE_SECONDS
        while (found := targets_up(prometheus)) != wanted and monotonic() < deadline:
            time.sleep(1)  # noqa: TID251 - Prometheus tells nobody when it has looked
    assert found == wanted


def targets_up(prometheus: httpx.Client) -> dict[str, int]:
    """How many processes of each service answered when they were last asked."""
    active = prometheus.get("/api/v1/targets", params={"state": "active"}).raise_for_status().json()["data"]
    return dict(Counter(t["labels"]["job"] for t in active["activeTargets"] if t["health"] == "up"))


def test_collections_and_tokens_outlive_the_containers(fleet: Fleet) -> None:
    made = make_collection(fleet)
    fleet.down()
    fleet.up()
    with fleet.client as client:
        assert client.get(f"/api/collections/{made['id']}").json() == made


def test_a_stopped_worker_exits_with_0(fleet: Fleet) -> None:
    (worker, *_) = fleet.containers("collection-worker")
    fleet.compose("stop", "collection-worker")
    assert json.loads(run("docker", "inspect", worker))[0]["State"]["ExitCode"] == 0
    fleet.up()


def make_collection(fleet: Fleet) -> dict[str, Any]:
    with fleet.client as client:
        path = client.post("/api/collections", json={"text": TEXT}).headers["Location"]
        *_, (_, end) = events_until_done(client, f"{path}/events")
        assert end["status"] == "succeeded"
        return client.get(path).json()
