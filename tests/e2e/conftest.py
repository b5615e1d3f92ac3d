"""One running stack for every end-to-end test of a worker; tests that start and stop have their own."""

from collections.abc import Iterator

import pytest
from tests.e2e.running import RunningStack

from local.ports import free_ports


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    # a folder with a space and an accent, and deeper than a socket path may be long
    folder = tmp_path_factory.mktemp("étude de nuit") / ("deep" * 20) / "data"
    with RunningStack(folder, free_ports(1)[0]) as running:
        yield running
