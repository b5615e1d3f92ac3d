"""The processes of `deploy/k8s` and what each may know: the settings struct that its command reads."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from tests.k8s.rendering import K8S, Manifest, pod_spec, render

from chat.settings import ChatSettings
from collection_worker.cron import CronSettings
from gateway.settings import GatewaySettings
from shared.runtime.config.settings import CommonSettings
from shared.runtime.worker.main import WorkerSettings

SETTINGS: dict[str, type[Struct]] = {
    "gateway": GatewaySettings,
    "chat": ChatSettings,
    "ai_worker": WorkerSettings,
    "collection_worker": WorkerSettings,
    "collection_worker.cron": CronSettings,
    "shared.runtime.cli.migrate": CommonSettings,
}
"""By the module that is run."""


class Process(NamedTuple):
    """A pod as its Deployment or Job makes it, with its one container."""

    name: str
    manifest: Manifest
    pod: Manifest
    container: Manifest
    labels: dict[str, str]

    @property
    def module(self) -> str:
        return self.container["command"][-1]

    @property
    def variables(self) -> set[str]:
        return {field.encode_name for field in msgspec.structs.fields(SETTINGS[self.module])}


@cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    return tuple(render(K8S / folder))


def of_kind(folder: str, *kinds: str) -> list[Manifest]:
    return [one for one in rendered(folder) if one["kind"] in kinds]


def processes(folder: str) -> Iterator[Process]:
    for one in of_kind(folder, "Deployment", "Job"):
        (container,) = pod_spec(one)["containers"]
        labels = one["spec"]["template"]["metadata"]["labels"]
        yield Process(one["metadata"]["name"], one, pod_spec(one), container, labels)


def environ(process: Process, folder: str) -> dict[str, str]:
    """What its container sees."""
    data = {one["metadata"]["name"]: one["data"] for one in of_kind(folder, "ConfigMap")}
    seen: dict[str, str] = {}
    for source in process.container.get("envFrom", []):
        seen |= data[source["configMapRef"]["name"]]
    return seen | {entry["name"]: entry["value"] for entry in process.container["env"]}


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector means a pod with these labels. Knows `matchLabels`, and `In`."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        one["operator"] == "In" and labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", [])
    )
