"""What the pages name exists: paths, modules, commands, log events, metrics, settings, dashboards and panels."""

import json
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.paths import ROOT

from shared.adapters.postgres.roles import SERVICES, role_of
from shared.runtime.observability.metrics.catalogue import METRICS

DOCS = ROOT / "shared" / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.rglob("*.md")),
    ROOT / "shared" / "clients" / "python" / "README.md",
]
PACKAGES = (
    *("shared", "gateway", "chat", "ai_worker", "collection_worker"),
    *("etude", "local", "dashboards", "docs", "tests"),
)
SOURCES = [
    path
    for top in ("shared", "services", "deploy")
    for path in (ROOT / top).rglob("*.py")
    if "src" in path.parts
]
FROM_THE_CLIENT_LIBRARY = ("process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes")
REFERRING = (".py", ".yaml", ".yml", ".lua", ".conf", ".toml")
SUFFIXES = ("_bucket", "_sum", "_count")


@pytest.fixture(scope="module")
def code() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)


def inline(page: Path) -> list[str]:
    """The inline code of a page, without its fenced blocks."""
    return re.findall(
        r"`([^`\n]+)`",
        re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE),
    )


def missing(found: Iterable[tuple[Path, str]]) -> list[str]:
    return [f"{page.relative_to(ROOT)}: {name}" for page, name in found]


def test_paths() -> None:
    named = [
        (page, name)
        for page in PAGES
        for text in inline(page)
        for name in re.findall(r"^(?:shared|services|deploy|tests|\.github|\.ci)/[\w./-]+$", text)
    ]
    examples = created_by_the_examples()
    assert len(named) > 100
    assert (
        missing((page, name) for page, name in named if not (ROOT / name).exists() and name not in examples)
        == []
    )


def test_pages_that_manifests_and_modules_refer_to() -> None:
    files = [
        path
        for top in ("shared", "services", "deploy", ".github")
        for path in (ROOT / top).rglob("*")
        if path.is_file()
    ]
    texts = [(path, path.read_text("utf-8", errors="ignore")) for path in files if path.suffix in REFERRING]
    named = [(path, name) for path, text in texts for name in re.findall(r"shared/docs/[\w/-]+\.md", text)]
    assert len(named) >= 5
    assert missing((path, name) for path, name in named if not (ROOT / name).exists()) == []


def created_by_the_examples() -> set[str]:
    return set(
        re.findall(r"^Create `([^`]+)`:$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    )


def test_modules() -> None:
    dotted = re.compile(rf"^(?:python -m )?((?:{'|'.join(PACKAGES)})(?:\.[a-z_]+)+)$")
    named = [(page, match[1]) for page in PAGES for text in inline(page) if (match := dotted.match(text))]
    assert len(named) > 10
    assert missing((page, name) for page, name in named if not is_module_or_member(name)) == []


def is_module_or_member(name: str) -> bool:
    """A module, or a name that a module defines."""
    parent, _, member = name.rpartition(".")
    try:
        if find_spec(name):
            return True
        spec = find_spec(parent)
    except ModuleNotFoundError:
        return False
    return bool(spec and spec.origin and re.search(rf"\b{member}\b", Path(spec.origin).read_text("utf-8")))


def test_make_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(named) > 20
    assert missing((page, name) for page, name in named if name not in targets) == []


def test_log_events(code: str) -> None:
    """Those that the runbooks search for."""
    page = (DOCS / "runbooks.md").read_text("utf-8")
    named = re.findall(
        r"(?<=-e )[a-z_]+\.[a-z_]+|(?<=grep )[a-z_]+\.[a-z_]+|(?<=`)[a-z_]+\.[a-z_]+(?=`)", page
    )
    logged = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', code))
    assert len(named) > 10
    assert [event for event in named if event not in logged and not is_module_or_member(event)] == []


def test_metrics() -> None:
    known = {metric.name for metric in METRICS} | set(FROM_THE_CLIENT_LIBRARY)
    known |= {name + suffix for name in known for suffix in SUFFIXES}
    known |= {role_of(service) for service in SERVICES} | {role_of("owner")}
    named = [
        (page, name)
        for page in PAGES
        for text in inline(page)
        for name in re.findall(r"\betude_[a-z_]+[a-z]\b", text)
    ]
    assert len(named) > 50
    assert missing((page, name) for page, name in named if name not in known) == []


def test_settings(code: str) -> None:
    listed = set(re.findall(r"^\| `([A-Z_]+)`", (DOCS / "operations.md").read_text("utf-8"), re.MULTILINE))
    named = [
        (page, name)
        for page in PAGES
        for name in re.findall(r"\bETUDE_[A-Z_]+[A-Z]\b", page.read_text("utf-8"))
        if name.removesuffix("_FILE") not in listed
    ]
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    assert (
        missing((page, name) for page, name in named if f'"{name}"' not in code and name not in compose) == []
    )


def test_dashboards_and_panels() -> None:
    boards = [
        json.loads(path.read_text("utf-8")) for path in (ROOT / "deploy" / "grafana").rglob("etude-*.json")
    ]
    titles = {board["title"].rstrip("?") for board in boards}
    panels = {panel["title"].rstrip("?") for board in boards for panel in board["panels"]}
    page = re.sub(r"\s+", " ", (DOCS / "runbooks.md").read_text("utf-8"))
    named = set(re.findall(r"(?<!\*)\*((?:Are|Do|Does|How|Is|What|Which) [^*]+?)\??\*(?!\*)", page))
    quoted = set(re.findall(r'"((?:How|Is|What|When|Which|Why|Does|Do) [^"]+?)\?"', page))
    assert len(named) > 5
    assert {
        name for name in named | quoted if not any(title.startswith(name) for title in titles | panels)
    } == set()


def test_the_layout_of_the_readme() -> None:
    """Its folders are in the first 29 columns, indented below their parents."""
    page = (ROOT / "README.md").read_text("utf-8")
    lines = page.split("## Layout\n\n```\n")[1].split("\n```")[0].splitlines()
    parents, folders = {0: ROOT}, list[Path]()
    for line in lines:
        indent = len(line) - len(line.lstrip())
        for name in line[:29].split():
            folders.append(parents[indent] / name)
            parents[indent + 2] = folders[-1]
    assert len(folders) > 20
    assert [str(path.relative_to(ROOT)) for path in folders if not path.exists()] == []
