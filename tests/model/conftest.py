"""A shard to drive by hand."""

from collections.abc import Iterator

import pytest
from tests.model.shard import Shard
from tests.servers import RedisPlace


@pytest.fixture
def shard(redis_place: RedisPlace) -> Iterator[Shard]:
    opened = Shard(redis_place)
    yield opened
    opened.close()
