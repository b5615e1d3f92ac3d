"""The compose file, read as text: what would be wrong without a container being started. Needs no engine."""

import re

import pytest
from tests.compose.fleet import COMPOSE_FILE, ROOT

TEXT = COMPOSE_FILE.read_text(encoding="utf-8")
SETTINGS = (ROOT / "shared" / "docs" / "operations.md").read_text(encoding="utf-8")
OF_THE_FILE = {"ETUDE_VERSION", "ETUDE_GRAFANA_PORT", "ETUDE_PROMETHEUS_PORT"}
"""What it reads itself and hands to no process."""


def test_every_variable_it_sets_is_one_that_a_process_reads() -> None:
    known = set(re.findall(r"^\| `([A-Z_]+)`", SETTINGS, re.MULTILINE)) | {"ETUDE_DATA_DIR", "ETUDE_TOKEN"}
    named = {name.removesuffix("_FILE") for name in re.findall(r"\b((?:ETUDE|OPENAI)_[A-Z_]+)\b", TEXT)}
    assert named - OF_THE_FILE - known == set()


def test_every_public_image_has_an_exact_version() -> None:
    images = re.findall(r"^    image: (\S+)$", TEXT, re.MULTILINE)
    theirs = [image for image in images if not image.startswith("etude-")]
    assert len(theirs) == 6
    assert [image for image in theirs if not re.search(r":v?\d+\.\d+\.\d+|:\d+\.\d+-", image)] == []


@pytest.mark.parametrize("unwanted", ["container_name", "privileged", "docker.sock", "0.0.0.0:", "env_file"])
def test_the_compose_file_does_not_contain(unwanted: str) -> None:
    assert unwanted not in TEXT


def test_every_file_it_mounts_is_there() -> None:
    mounted = re.findall(r"- (\./[\w./-]+):/", TEXT)
    assert len(mounted) >= 8
    assert [path for path in mounted if not (COMPOSE_FILE.parent / path).exists()] == []


def test_a_folder_of_secrets_is_in_every_image_with_its_owner() -> None:
    """A new volume takes its owner from the folder of the image that it is mounted on."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    (readers,) = re.findall(r"for reader in (.*); do", dockerfile)
    assert set(readers.split()) == set(re.findall(r"^  secrets-(\S+):$", TEXT, re.MULTILINE))
