"""Which tests `make unit` runs: those that need neither a server nor another process, and are fast.

Nothing is listed by hand but folders of programs: a test that asks for the fixture `servers`, directly or through another fixture,
or for a Redis other than fakeredis, is not a unit test. A test that starts a process itself carries the mark `process`,
and one that takes long the mark `slow`. `make unit` fails a test that starts a process without that mark.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.paths import ROOT
from tests.servers import FAKE

PROCESS_FOLDERS = frozenset(
    {"bench", "chaos", "compose", "dashboards", "e2e", "k8s", "local", "model_servers", "watch"}
)
"""Folders of `tests` whose subject is processes. `make unit` does not even import them."""


class StartedProcess(AssertionError):
    """A unit test started a process: it wants the mark `process`."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if config.option.markexpr == "unit" and _in_process_folder(collection_path):
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and _is_unit(item):
            item.add_marker(pytest.mark.unit)


def _is_unit(item: pytest.Function) -> bool:
    if "servers" in item.fixturenames or _in_process_folder(item.path):
        return False
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    is_fake = parameters.get("redis_place", FAKE) == FAKE
    return is_fake and not any(map(item.get_closest_marker, ("process", "slow", "e2e")))


def _in_process_folder(path: Path) -> bool:
    return path.is_relative_to(ROOT / "tests") and not PROCESS_FOLDERS.isdisjoint(
        path.relative_to(ROOT / "tests").parts[:1]
    )


@pytest.fixture(autouse=True)
def no_process_in_a_unit_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """A unit test that starts a process fails; asyncio starts them by `subprocess`, too."""
    with pytest.MonkeyPatch.context() as patch:
        if request.config.option.markexpr == "unit":
            patch.setattr(subprocess.Popen, "__init__", _refuse)
        yield


def _refuse(_process: object, command: object, **_options: object) -> None:
    raise StartedProcess(f"{command}: mark this test `process`")
