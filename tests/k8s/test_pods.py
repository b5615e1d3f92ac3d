"""Every pod is locked down, knows only what it needs, is given the time it takes, and is asked what it can answer."""

import importlib
import re
import subprocess
from itertools import product
from pathlib import Path

import pytest
from tests.k8s.fleet import SETTINGS, Process, environ, of_kind, processes, selects
from tests.k8s.rendering import K8S, Manifest, read_all
from tests.paths import ROOT

from chat.settings import ChatSettings
from gateway.__main__ import STOP_SECONDS
from gateway.documents.multipart import FIELDS_BYTES
from shared.domain.document_limits import DocumentLimits
from shared.domain.jobs.job_policy import JobPolicy
from shared.runtime.worker.consumer import HAND_BACK_SECONDS
from shared.runtime.worker.liveness import BEAT_SECONDS

OVERLAYS = ("base", "overlays/example", "overlays/redis-cluster")
ALL = [(folder, process) for folder in OVERLAYS for process in processes(folder)]
SERVED = ("gateway", "chat")
WORKERS = ("ai-worker", "collection-worker")
SECRET_FIELDS = re.compile(r"password|secret|api_?keys?$|redis_url|postgres_url|public_key", re.IGNORECASE)

each_pod = pytest.mark.parametrize(
    ("folder", "process"), ALL, ids=[f"{folder}:{process.name}" for folder, process in ALL]
)
each_long_lived = pytest.mark.parametrize(
    "process",
    [one for one in processes("base") if one.manifest["kind"] == "Deployment"],
    ids=lambda one: one.name,
)


def test_every_process_has_a_pod() -> None:
    assert sorted(process.module for process in processes("base")) == sorted(SETTINGS)


@each_pod
def test_a_pod_may_do_nothing_but_run(folder: str, process: Process) -> None:
    context, container = process.pod["securityContext"], process.container["securityContext"]
    assert context["runAsNonRoot"] is True
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (10001, 10001, 10001)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert process.pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(process.pod)
    assert all("hostPath" not in volume for volume in process.pod["volumes"])


@each_pod
def test_a_pod_has_requests_and_limits(folder: str, process: Process) -> None:
    resources = process.container["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}  # a throttled worker renews its leases late


@each_pod
def test_every_mounted_volume_is_defined(folder: str, process: Process) -> None:
    volumes = {volume["name"] for volume in process.pod["volumes"]}
    assert {mount["name"] for mount in process.container["volumeMounts"]} == volumes


@each_pod
def test_every_variable_is_one_its_process_reads(folder: str, process: Process) -> None:
    named = {name.removesuffix("_FILE") for name in environ(process, folder)}
    assert named - process.variables == set()


@each_pod
def test_every_secret_is_a_file_and_every_file_is_one_that_is_mounted(folder: str, process: Process) -> None:
    seen = environ(process, folder)
    assert [
        name
        for name in seen
        if SECRET_FIELDS.search(name.removesuffix("_FILE")) and not name.endswith("_FILE")
    ] == []
    paths = {value for name, value in seen.items() if name.endswith("_FILE")}
    assert paths == set(mounted_files(process))


def mounted_files(process: Process) -> dict[str, tuple[str, str]]:
    """Path → Secret and key."""
    mounts = {mount["name"]: mount for mount in process.container["volumeMounts"]}
    return {
        f"{mounts[volume['name']]['mountPath']}/{item['path']}": (name, item["key"])
        for volume in process.pod["volumes"]
        for name, items in secrets_of(volume)
        for item in items
    }


def secrets_of(volume: Manifest) -> list[tuple[str, list[dict[str, str]]]]:
    if "projected" in volume:
        assert volume["projected"]["defaultMode"] == 0o440
        return [(one["secret"]["name"], one["secret"]["items"]) for one in volume["projected"]["sources"]]
    if "secret" in volume:
        assert volume["secret"]["defaultMode"] == 0o440
        return [(volume["secret"]["secretName"], volume["secret"]["items"])]
    assert volume["emptyDir"]["sizeLimit"]
    return []


def test_the_page_lists_every_secret() -> None:
    page = (ROOT / "shared" / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(etude-[a-z-]+)` \| `([a-z-]+)` \|", page, re.MULTILINE))
    mounted = {secret for _, process in ALL for secret in mounted_files(process).values()}
    asked = {
        (one["name"], one["key"])
        for folder in OVERLAYS
        for auth in of_kind(folder, "TriggerAuthentication")
        for one in auth["spec"]["secretTargetRef"]
    }
    assert named == mounted | asked


def test_the_gateway_has_room_for_many_documents_at_once() -> None:
    gateway = next(one for one in processes("base") if one.name == "gateway")
    (room,) = [one["emptyDir"]["sizeLimit"] for one in gateway.pod["volumes"] if one["name"] == "tmp"]
    assert int(room.removesuffix("Gi")) * 2**30 > 64 * (DocumentLimits().file_bytes + FIELDS_BYTES)


def test_no_manifest_holds_a_secret() -> None:
    assert [path for path in K8S.rglob("*.yaml") for one in read_all(path) if one["kind"] == "Secret"] == []


def test_a_released_image_is_named_by_its_version() -> None:
    images = [process.container["image"] for process in processes("overlays/example")]
    assert all(re.fullmatch(r"registry\.example\.com/etude-[a-z-]+:\d+\.\d+\.\d+", image) for image in images)


@each_pod
def test_every_command_can_be_run(folder: str, process: Process) -> None:
    assert process.container["command"][:2] == ["python", "-m"]
    module = importlib.import_module(process.module)
    name = f"{process.module}.__main__" if hasattr(module, "__path__") else process.module
    assert callable(vars(importlib.import_module(name))["main"])


# --- time ------------------------------------------------------------------------------------------------------------


@each_long_lived
def test_a_pod_is_given_longer_than_it_takes_to_stop(process: Process) -> None:
    policy = JobPolicy()
    needed = {
        "gateway": STOP_SECONDS,
        "chat": 2 * ChatSettings(internal_secret="x").grace_seconds,
        "ai-worker": policy.drain_seconds + HAND_BACK_SECONDS + policy.block_seconds,
        "collection-worker": policy.drain_seconds + HAND_BACK_SECONDS + policy.block_seconds,
        "cron": 5,
    }
    before = process.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert (before > 0) == (process.name in SERVED)
    assert process.pod["terminationGracePeriodSeconds"] > before + needed[process.name]


@each_long_lived
def test_every_pod_has_a_liveness_probe(process: Process) -> None:
    probes = {name: process.container.get(f"{name}Probe") for name in ("startup", "liveness", "readiness")}
    asked = {name: probe for name, probe in probes.items() if probe}
    assert "liveness" in asked
    assert ("startup" in asked) == (process.name != "cron")
    assert ("readiness" in asked) == (process.name in SERVED)
    if process.name in SERVED:
        # What a store that is away says of the pod is its own answer, not the edge's.
        assert {name: probe["httpGet"]["path"] for name, probe in asked.items()} == {
            "startup": "/readyz",
            "liveness": "/healthz",
            "readiness": "/healthz",
        }
        assert {probe["httpGet"]["port"] for probe in asked.values()} == {"http"}


@pytest.mark.parametrize(
    ("age", "lives"), [(BEAT_SECONDS, True), (4 * BEAT_SECONDS, True), (31, False), (None, False)]
)
def test_the_liveness_probe_of_a_worker_reads_its_liveness_file(
    tmp_path: Path, age: float | None, lives: bool
) -> None:
    if age is not None:
        subprocess.run(["touch", "-d", f"-{age} seconds", tmp_path / "alive"], check=True)
    assert {process.name for process in processes("base") if asks(process, tmp_path) is lives} >= {
        *WORKERS,
        "cron",
    }


def asks(process: Process, folder: Path) -> bool | None:
    """Runs the liveness probe's command, with its folder moved."""
    command = process.container.get("livenessProbe", {}).get("exec", {}).get("command")
    if not command:
        return None
    moved = [word.replace(environ(process, "base")["ETUDE_PULSE_DIR"], str(folder)) for word in command]
    return subprocess.run(moved, check=False, stderr=subprocess.DEVNULL).returncode == 0


# --- what is about pods ----------------------------------------------------------------------------------------------


@each_long_lived
def test_a_deployment_selects_its_own_pods(process: Process) -> None:
    meant = [
        one.name for one in processes("base") if selects(process.manifest["spec"]["selector"], one.labels)
    ]
    assert meant == [process.name]


@pytest.mark.parametrize(
    "service", of_kind("overlays/example", "Service"), ids=lambda one: one["metadata"]["name"]
)
def test_a_service_leads_to_a_port_that_its_pods_have(service: Manifest) -> None:
    meant = [
        one for one in processes("base") if selects({"matchLabels": service["spec"]["selector"]}, one.labels)
    ]
    assert [one.name for one in meant] == [service["metadata"]["name"]]
    ports = {port["name"]: port["containerPort"] for port in meant[0].container["ports"]}
    (target,) = [port["targetPort"] for port in service["spec"]["ports"]]
    assert str(ports[target]) == environ(meant[0], "base")["ETUDE_PORT"]


def test_the_gateway_and_the_ingress_name_existing_services() -> None:
    services = {
        one["metadata"]["name"]: one["spec"]["ports"][0] for one in of_kind("overlays/example", "Service")
    }
    gateway = next(one for one in processes("base") if one.name == "gateway")
    assert environ(gateway, "base")["ETUDE_CHAT_URL"] == f"http://chat:{services['chat']['port']}"
    (ingress,) = of_kind("overlays/example", "Ingress")
    (backend,) = [
        path["backend"]["service"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]
    ]
    assert backend == {"name": "gateway", "port": {"name": services["gateway"]["name"]}}


@each_long_lived
def test_replicas_are_apart_and_leave_one_at_a_time(process: Process) -> None:
    if process.name == "cron":  # one, and nobody notices when it is away for a minute
        return
    spread = process.pod["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert all(selects(one["labelSelector"], process.labels) for one in spread)
    budgets = [
        one["spec"]
        for one in of_kind("base", "PodDisruptionBudget")
        if selects(one["spec"]["selector"], process.labels)
    ]
    assert [set(one) for one in budgets] == [{"maxUnavailable", "unhealthyPodEvictionPolicy", "selector"}]
    # Never zero, and percents are rounded up: of any number of replicas one may be evicted.
    assert budgets[0]["maxUnavailable"] in (1, "25%")
    assert budgets[0]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_namespace_enforces_the_restricted_pod_standard() -> None:
    (namespace,) = of_kind("base", "Namespace")
    for level, mode in product(["restricted"], ["enforce", "audit", "warn"]):
        assert namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == level
