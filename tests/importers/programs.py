"""The programs of others that import our exports, where `make importers` puts them, and what is done when they are not there."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.paths import ROOT

FOLDER = ROOT / ".importers"
PYTHON = FOLDER / "python" / "bin" / "python"
NODE_MODULES = FOLDER / "npm" / "node_modules"
SECONDS = 60.0


def run_anki(script: str, *args: str) -> Any:
    """Run a script of this folder with Anki's engine, and return the JSON that it prints."""
    return _run([str(_require(PYTHON)), str(Path(__file__).with_name(script)), *args])


def run_node(script: str, *args: str) -> Any:
    """Run a script of this folder with the packages from npm, and return the JSON that it prints."""
    modules = _require(NODE_MODULES)
    return _run(["node", str(Path(__file__).with_name(script)), *args], NODE_PATH=str(modules))


def convert_qti(package: Path) -> Path:
    """Convert a QTI 2.1 package to QTI 3 with the reader of others, beside the package."""
    program = _require(NODE_MODULES) / "@citolab" / "qti-convert" / "dist" / "qti-convert-pkg.mjs"
    subprocess.run(
        ["node", program, package.name], cwd=package.parent, check=True, timeout=SECONDS, capture_output=True
    )
    return package.with_name(f"{package.stem}-qti3.zip")


def _run(command: list[str], **environ: str) -> Any:
    done = subprocess.run(
        command,
        check=False,
        timeout=SECONDS,
        capture_output=True,
        env={**os.environ, **environ},  # noqa: TID251 - programs of others need the PATH
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def _require(path: Path) -> Path:
    """Skip the test where the programs are missing, and fail it where CI promises them."""
    if not path.exists():
        reason = f"{path.name} is not installed: run `make importers`"
        if os.environ.get("CI") == "true":  # noqa: TID251 - what this machine promises
            pytest.fail(reason)
        pytest.skip(reason)
    return path
