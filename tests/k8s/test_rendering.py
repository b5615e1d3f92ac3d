"""The manifests are what Kubernetes and KEDA accept, and what kustomize makes of them is what these tests look at."""

import shutil
import subprocess

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] - it ships none
import msgspec
import pytest
import yaml
from tests.k8s.keda import ScaledObject, TriggerAuthentication
from tests.k8s.rendering import FOLDERS, K8S, key_of, read_all, render

VERSIONS = ("1.31", "1.37")
"""The oldest that has all we use, and the newest the schemas are there for."""
KEDA = {"ScaledObject": ScaledObject, "TriggerAuthentication": TriggerAuthentication}


@pytest.mark.parametrize("folder", FOLDERS)
def test_kustomize_renders_what_these_tests_read(folder: str) -> None:
    program = next(
        (
            [path, *rest]
            for name, *rest in (("kustomize", "build"), ("kubectl", "kustomize"))
            if (path := shutil.which(name))
        ),
        None,
    )
    if program is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    made = subprocess.run([*program, str(K8S / folder)], capture_output=True, text=True, check=True).stdout
    theirs = {key_of(one): one for one in yaml.safe_load_all(made)}
    assert {key_of(one): one for one in render(K8S / folder)} == theirs


def test_every_manifest_is_part_of_something() -> None:
    named = {
        (folder / name).resolve()
        for path in K8S.rglob("kustomization.yaml")
        for folder in [path.parent]
        for entry in read_all(path)
        for name in [*entry["resources"], *(patch["path"] for patch in entry.get("patches", []))]
    }
    files = {path.resolve() for path in K8S.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert files - named == set()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_kubernetes_accepts_it(folder: str, version: str) -> None:
    for manifest in render(K8S / folder):
        if manifest["kind"] not in KEDA:
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_keda_accepts_it(folder: str) -> None:
    for manifest in render(K8S / folder):
        if kind := KEDA.get(manifest["kind"]):
            msgspec.convert(manifest, kind)
