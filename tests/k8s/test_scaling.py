"""Workers are as many as their streams are long: every shard's stream is counted, once, and by its length."""

import re

import msgspec
import pytest
from tests.k8s.fleet import environ, of_kind, processes
from tests.k8s.keda import ScaledObject, TriggerAuthentication

from shared.adapters.redis import keys
from shared.domain.jobs.job import StreamName

TYPES = {"overlays/example": "redis-streams", "overlays/redis-cluster": "redis-cluster-streams"}
STREAMS = {"ai-worker": StreamName.AI, "collection-worker": StreamName.COLLECTION}


def scaled(folder: str) -> dict[str, ScaledObject]:
    found = [msgspec.convert(one, ScaledObject) for one in of_kind(folder, "ScaledObject")]
    return {one.spec.scale_target_ref.name: one for one in found}


def worker_environ(folder: str, name: str) -> dict[str, str]:
    return environ(next(one for one in processes(folder) if one.name == name), folder)


@pytest.mark.parametrize("folder", TYPES)
@pytest.mark.parametrize("worker", STREAMS)
def test_the_stream_of_every_shard_is_counted_once(folder: str, worker: str) -> None:
    shards = int(worker_environ(folder, worker)["ETUDE_SHARDS"])
    spec = scaled(folder)[worker].spec
    assert [trigger.metadata["stream"] for trigger in spec.triggers] == [
        keys.work_stream(shard, STREAMS[worker]) for shard in range(shards)
    ]
    assert spec.advanced.scaling_modifiers.formula == " + ".join(trigger.name for trigger in spec.triggers)


@pytest.mark.parametrize("folder", TYPES)
@pytest.mark.parametrize("worker", STREAMS)
def test_a_stream_is_measured_by_its_length(folder: str, worker: str) -> None:
    for trigger in scaled(folder)[worker].spec.triggers:
        assert trigger.type == TYPES[folder]
        assert set(trigger.metadata) == {
            "stream",
            "streamLength",
            "enableTLS",
        }  # a consumerGroup would mean its lag
        assert re.fullmatch(r"s\d+", trigger.name)  # a word of the formula


@pytest.mark.parametrize("folder", TYPES)
@pytest.mark.parametrize("worker", STREAMS)
def test_a_worker_is_added_before_the_others_are_full(folder: str, worker: str) -> None:
    spec = scaled(folder)[worker].spec
    slots = int(worker_environ(folder, worker)["ETUDE_CONCURRENCY"])
    assert 0 < int(spec.advanced.scaling_modifiers.target) < slots
    assert spec.advanced.scaling_modifiers.metric_type == "AverageValue"
    assert 2 <= spec.min_replica_count <= spec.fallback.replicas <= spec.max_replica_count


@pytest.mark.parametrize("folder", TYPES)
def test_no_manifest_sets_the_replicas_of_a_scaled_deployment(folder: str) -> None:
    counted = {one.name for one in processes(folder) if "replicas" in one.manifest["spec"]}
    assert counted.isdisjoint(scaled(folder))
    assert set(scaled(folder)) == set(STREAMS)


@pytest.mark.parametrize("folder", TYPES)
def test_keda_finds_redis_by_a_secret_of_its_own(folder: str) -> None:
    (auth,) = [
        msgspec.convert(one, TriggerAuthentication) for one in of_kind(folder, "TriggerAuthentication")
    ]
    address = "addresses" if folder.endswith("cluster") else "address"
    assert [one.parameter for one in auth.spec.secret_target_ref] == [address, "username", "password"]
    used = {t.authentication_ref.name for one in scaled(folder).values() for t in one.spec.triggers}
    assert used == {auth.metadata.name}


def test_a_cluster_has_its_shards_on_more_than_one_slot_and_a_cron_with_a_redis_of_its_own() -> None:
    folder = "overlays/redis-cluster"
    cron = next(one for one in processes(folder) if one.name == "cron")
    assert "ETUDE_CRON_REDIS_URL_FILE" in environ(cron, folder)
    assert int(worker_environ(folder, "ai-worker")["ETUDE_SHARDS"]) >= 8
