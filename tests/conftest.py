"""Fixtures for all tests: real servers where there is one, each pytest process with its own."""

import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, settings
from tests.model_servers.table_printer import pytest_terminal_summary as pytest_terminal_summary
from tests.servers import (
    FAKE,
    REDIS_KINDS,
    FakeRedis,
    NoServer,
    RealRedis,
    RedisPlace,
    Servers,
    empty_database,
    flush,
)
from tests.simulators.no_live_calls import no_live_calls as no_live_calls  # for every test
from tests.unit_tier import no_process_in_a_unit_test as no_process_in_a_unit_test
from tests.unit_tier import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.unit_tier import pytest_ignore_collect as pytest_ignore_collect

from local.servers.postgres_server import PostgresServer
from shared.adapters.llm.token_counter import warm_up
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.client import RedisClient
from shared.domain.text.language_detection import load_model

# a busy machine generates examples slowly, which says nothing of the code
for profile in ("default", "ci"):
    settings.register_profile(
        profile,
        settings.get_profile(profile),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
# `make unit` wants an answer while one types; `make test` looks further
settings.register_profile("unit", max_examples=10)
# `--hypothesis-profile=long` looks further, and elsewhere each time
settings.register_profile(
    "long", max_examples=5_000, stateful_step_count=80, deadline=None, derandomize=False, print_blob=True
)


@contextmanager
def skipped_without_server() -> Generator[None]:
    """Skip a test whose server this machine does not have; a machine that promises all servers fails it."""
    try:
        yield
    except NoServer as missing:
        if os.environ.get("CI") == "true":  # noqa: TID251 - that machine has them all
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session", autouse=True)
def loaded_models() -> None:
    """Load the model of languages and the tokenizer before the first test: properties have a deadline."""
    load_model()
    warm_up()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Starts nothing by itself."""
    started = Servers(tmp_path_factory.mktemp("servers"))
    yield started
    started.close()


@pytest.fixture(params=REDIS_KINDS)
async def redis_place(request: pytest.FixtureRequest) -> RedisPlace:
    """An empty Redis of each kind in turn: the test runs once on each. The fake one needs no servers."""
    if request.param == FAKE:
        return FakeRedis()
    servers: Servers = request.getfixturevalue("servers")
    with skipped_without_server():
        place = servers.redis(request.param)
    await _flush(place)
    return place


@pytest.fixture
async def redis(redis_place: RedisPlace) -> AsyncIterator[RedisClient]:
    """A connection to `redis_place`."""
    client = redis_place.connect()
    yield client
    await client.aclose()


@pytest.fixture
async def redis_server(servers: Servers) -> RealRedis:
    """An empty server process, which a test may stop, kill, pause and start again."""
    place = servers.real_redis()
    await _flush(place)
    return place


@pytest.fixture
def redis_url(redis_server: RealRedis) -> str:
    return redis_server.url


@pytest.fixture
async def real_redis(redis_server: RealRedis) -> AsyncIterator[RedisClient]:
    """A connection to `redis_server`."""
    client = redis_server.connect()
    yield client
    await client.aclose()


@pytest.fixture
def postgres_server(servers: Servers) -> PostgresServer:
    """A server process, which a test may stop, kill, pause and start again."""
    return servers.postgres()


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> str:
    """A migrated database without a row."""
    await empty_database(postgres_server.url)
    return postgres_server.url


@pytest.fixture
async def result_store(postgres_url: str) -> AsyncIterator[ResultStore]:
    store = await ResultStore.open(postgres_url, name="tests")
    yield store
    await store.close()


async def _flush(place: RedisPlace) -> None:
    client = place.connect()
    await flush(client)
    await client.aclose()
