"""The repository itself: what it must hold, what it must not, and pages that tell the truth about the code."""

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from tests.paths import ROOT

from shared.domain.jobs.job import TRANSITIONS, JobState

pytestmark = pytest.mark.process

DOCS = ROOT / "shared" / "docs"
PACKAGES = (
    "shared",
    "gateway",
    "ai_worker",
    "collection_worker",
    "chat",
    "local",
    "etude",
    "dashboards",
    "docs",
)
PROCESSES = (
    "gateway",
    "chat",
    "ai_worker",
    "collection_worker",
    "collection_worker.cron",
    "local",
    "etude",
    "dashboards",
    "docs",
)
MARKS = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home|opt)/[\w.]")


@cache
def repository_files() -> tuple[Path, ...]:
    """Everything that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


@cache
def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # not text


def sources(*, suffix: str = ".py") -> list[Path]:
    return [path for path in repository_files() if path.suffix == suffix]


def found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def written_by_hand() -> list[Path]:
    return [path for path in repository_files() if path.name != "uv.lock"]


def test_nothing_is_left_to_do() -> None:
    assert found(re.compile(rf"\b(?:{'|'.join(MARKS)})\b"), written_by_hand()) == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert found(MACHINE_PATHS, written_by_hand()) == []


def test_the_lock_file_knows_no_package_index_but_the_public_one() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", text_of(ROOT / "uv.lock")))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_every_exception_to_a_rule_says_why() -> None:
    silenced = re.compile(
        r"#\s*(?:ruff: )?(?:noqa|type: ignore|pyright: ignore)(?!(?::\s*[A-Z0-9, ]+|\[[\w, ]+\]) - \w)"
    )
    assert found(silenced, [path for path in sources() if path != Path(__file__)]) == []


def test_no_file_is_named_after_nothing() -> None:
    empty_names = re.compile(r"util|helper|manager|common|misc|^base\.")
    assert [path for path in sources() if empty_names.search(path.name)] == []


def sources_of_tests() -> list[Path]:
    return [path for path in sources() if path.is_relative_to(ROOT / "tests")]


def test_no_test_imports_another() -> None:
    importing = re.compile(
        r"^\s*(?:from tests(?:\.\w+)*\.test_\w+ import|from tests[\w.]* import .*\btest_|import tests[\w.]*\.test_)"
    )
    assert found(importing, sources_of_tests()) == []


def test_only_one_module_of_the_tests_counts_folders_upwards() -> None:
    counting = re.compile(r"__file__\)\.parents\[")
    counters = {path for path in sources_of_tests() if counting.search(text_of(path))}
    assert counters - {Path(__file__)} == {ROOT / "tests" / "paths.py"}


def test_there_is_a_licence_and_a_changelog() -> None:
    assert text_of(ROOT / "LICENSE").startswith("MIT License")
    assert "## Unreleased" in text_of(ROOT / "CHANGELOG.md")


@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_can_be_started_as_a_module(process: str) -> None:
    module = importlib.import_module(process)
    name = f"{process}.__main__" if hasattr(module, "__path__") else process
    assert callable(vars(importlib.import_module(name))["main"])


def test_every_module_can_be_imported() -> None:
    assert len(list(modules())) > len(PACKAGES)


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for found_module in pkgutil.walk_packages(root.__path__, prefix=f"{package}."):
            if ".migrations." not in found_module.name:  # those run only inside a migration
                yield importlib.import_module(found_module.name)


# --- pages that tell the truth ---------------------------------------------------------------------------------------


def test_the_page_of_the_state_machine_draws_every_transition_and_no_other() -> None:
    page = text_of(DOCS / "state-machine.md")
    expected = {(str(before), str(after)) for before, afters in TRANSITIONS.items() for after in afters}
    drawn = set(re.findall(r"^    (\w+) --> (\w+) :", page, re.MULTILINE))
    listed = set(re.findall(r"^\| `([a-z]+)` \| `([a-z]+)` \|", page, re.MULTILINE))
    assert drawn == expected
    assert listed == expected
    assert {state.value for state in JobState} <= set(re.findall(r"^\| `(\w+)` \| \w", page, re.MULTILINE))


def test_every_decision_has_its_number_its_parts_and_its_link() -> None:
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    linked = re.findall(
        r"\(decisions/([\w-]+\.md)\)", text_of(DOCS / "architecture.md").split("## Decisions")[1]
    )
    assert [path.name for path in decisions] == linked
    for number, path in enumerate(decisions, start=1):
        text = text_of(path)
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives", "Where it is enforced"], (
            path.name
        )


def test_every_link_between_pages_leads_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in sources(suffix=".md")
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text_of(page))
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_make_says_what_there_is_to_run() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  make (\S+) +\S", said, re.MULTILINE)
    assert {"run", "test", "check", "fmt", "bench"} <= set(targets)
