"""CONTRIBUTING.md can be followed: each worked example is applied to a copy of the repository, and its tests pass there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.worked_examples import Edit, Example, UnclearExample, read_examples
from tests.paths import ROOT

EXAMPLES = read_examples((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
SECONDS = 300.0


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository's files, without their history."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_page_has_an_example_for_a_kind_a_route_and_a_script() -> None:
    assert [example.title for example in EXAMPLES] == ["Add a job kind", "Add a route", "Add a script"]


@pytest.mark.process
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_an_example_can_be_followed(example: Example, copy: Path) -> None:
    for edit in example.edits:
        edit.apply(copy)
    changed = [edit.path for edit in example.edits if edit.path.endswith(".py")]
    assert_passes(copy, "ruff", "check", "--quiet", "--no-cache", "--fix", *changed)  # as `make fmt` does
    assert example.tests
    assert_passes(copy, "pytest", "-q", "-p", "no:cacheprovider", *example.tests)


def assert_passes(root: Path, *command: str) -> None:
    """Run a module in the copy, whose packages come before the installed ones."""
    packages = sorted(str(path) for path in root.glob("**/src") if path.is_dir())
    # it runs the tests of the copy as a process of this one's environment
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(packages)}  # noqa: TID251 - passed on as it is
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]


def test_a_block_goes_next_to_its_line_with_the_same_indentation(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("class A:\n    b = 1\n    c = 2\n")
    Edit("x.py", "below", "b = 1", -1, "d = 3\n").apply(tmp_path)
    Edit("x.py", "in place of", "c = 2", -1, "c = 4\n").apply(tmp_path)
    assert (tmp_path / "x.py").read_text() == "class A:\n    b = 1\n    d = 3\n    c = 4\n"


def test_a_line_that_is_missing_or_ambiguous_fails(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a\na\n")
    for anchor in ("b", "a"):
        with pytest.raises(UnclearExample):
            Edit("x.py", "below", anchor, -1, "c\n").apply(tmp_path)
