"""One fleet for all tests of the containers; each leaves it running. Where no engine runs they are skipped, and say so."""

from collections.abc import Iterator

import pytest
from tests.compose.fleet import Fleet, why_no_engine


@pytest.fixture(scope="session")
def fleet(worker_id: str) -> Iterator[Fleet]:
    if reason := why_no_engine():
        pytest.skip(reason)
    if worker_id != "master":
        pytest.skip(
            "images are built and a fleet is started by one process: make test TESTS=tests/compose JOBS=0"
        )
    running = Fleet()
    try:
        running.build()
        running.up()
        yield running
    finally:
        running.remove()
    assert running.left_behind() == []
