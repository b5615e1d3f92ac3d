"""What an image build sees of the repository. Needs no engine."""

import tomllib
from pathlib import Path

from tests.compose.fleet import ROOT


def visible_files() -> set[Path]:
    """Everything that a `!` line of `.dockerignore` lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return {path for line in lines if line.startswith("!") for path in ROOT.glob(line[1:])}


def member_folders() -> list[Path]:
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns: list[str] = workspace["tool"]["uv"]["workspace"]["members"]
    return [folder for pattern in patterns for folder in ROOT.glob(pattern) if folder.is_dir()]


def test_a_build_sees_the_manifest_of_every_workspace_member() -> None:
    """uv reads all of them, whichever package it installs."""
    manifests = {folder / "pyproject.toml" for folder in member_folders()}
    assert manifests
    assert manifests - visible_files() == set()


def test_a_build_sees_the_readme_that_a_manifest_names() -> None:
    for folder in member_folders():
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if readme := project.get("readme"):
            assert folder / readme in visible_files()
