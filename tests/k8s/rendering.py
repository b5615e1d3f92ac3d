"""What `kustomize build` makes of a folder, as far as `deploy/k8s` uses it; anything else in a kustomization is an error.

Where the real program is installed, `test_rendering` holds the two together.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import yaml
from tests.paths import ROOT

Manifest = dict[str, Any]

K8S = ROOT / "deploy" / "k8s"
FOLDERS = ("base", "keda", "keda-cluster", "overlays/example", "overlays/redis-cluster")
OF_THE_CLUSTER = frozenset({"Namespace"})
MERGE_KEYS = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}
"""Lists whose items a patch meets by this field; every other list it replaces."""


def read_all(path: Path) -> list[Manifest]:
    return [cast(Manifest, one) for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def render(folder: Path) -> list[Manifest]:
    (kustomization,) = read_all(folder / "kustomization.yaml")
    manifests = [one for name in kustomization["resources"] for one in _read_resource(folder / name)]
    for field, value in kustomization.items():
        _STEPS[field](folder, manifests, value)
    return manifests


def key_of(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def pod_spec(manifest: Manifest) -> Manifest:
    return manifest["spec"]["template"]["spec"]


def _read_resource(path: Path) -> list[Manifest]:
    return render(path) if path.is_dir() else read_all(path)


def _set_namespace(_: Path, manifests: list[Manifest], namespace: str) -> None:
    for one in manifests:
        if one["kind"] not in OF_THE_CLUSTER:
            one["metadata"]["namespace"] = namespace


def _patch(folder: Path, manifests: list[Manifest], patches: list[dict[str, str]]) -> None:
    by_key = {key_of(one): one for one in manifests}
    for patch in [one for entry in patches for one in read_all(folder / entry["path"])]:
        _merge(by_key[key_of(patch)], patch)


def _merge(target: Manifest, patch: Manifest) -> None:
    for field, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(field), dict):
            _merge(target[field], cast(Manifest, value))
        elif field in MERGE_KEYS and field in target:
            _merge_items(target[field], cast(list[Manifest], value), MERGE_KEYS[field])
        else:
            target[field] = value


def _merge_items(target: list[Manifest], patch: list[Manifest], key: str) -> None:
    by_key = {item[key]: item for item in target}
    for item in patch:
        if item[key] in by_key:
            _merge(by_key[item[key]], item)
    target[:0] = [item for item in patch if item[key] not in by_key]


def _set_images(_: Path, manifests: list[Manifest], images: list[dict[str, str]]) -> None:
    renamed = {image["name"]: f"{image['newName']}:{image['newTag']}" for image in images}
    for one in manifests:
        if "template" in one.get("spec", {}):
            for container in pod_spec(one)["containers"]:
                container["image"] = renamed.get(container["image"], container["image"])


def _nothing(*_: object) -> None: ...


_STEPS: dict[str, Callable[[Path, list[Manifest], Any], None]] = {
    "apiVersion": _nothing,
    "kind": _nothing,
    "resources": _nothing,
    "namespace": _set_namespace,
    "patches": _patch,
    "images": _set_images,
}
