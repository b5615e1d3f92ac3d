"""`etude models`, on a real Redis."""

import json

import pytest
from msgspec.structs import replace
from tests.etude.command_runner import etude
from tests.servers import RealRedis

from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE, LimitField, StructuredOutput
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.models.ability_store import RedisAbilityStore
from shared.adapters.redis.models.model_status_store import server_id
from shared.adapters.redis.models.provider_limiter import CallOutcome, LimiterPolicy, ProviderLimiter

SERVER = "http://model-server:8000/v1"
LEARNED = replace(
    COMPATIBLE, structured_output=StructuredOutput.OBJECT, limit_field=LimitField.OUTPUT, window=4_096
)


async def test_each_ability_is_shown_with_where_it_comes_from(
    redis_server: RealRedis, real_redis: RedisClient
):
    await RedisAbilityStore(real_redis, base_url=SERVER, model="org/model:7b").save(LEARNED)
    options = ["--base-url", SERVER, "--features", "limit_field=max_completion_tokens"]

    ran = await etude("models", *options, "--redis-url", redis_server.url)

    assert ran.code == 0, ran.err
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in ran.out.splitlines()}
    assert lines["org/model:7b"] == f"at {SERVER}"
    assert lines["structured_output"] == "json_object learned, for 24 h 0 min more"
    assert lines["limit_field"] == "max_completion_tokens setting"
    assert lines["window"] == "4096 learned, for 24 h 0 min more"
    assert lines["max_output"] == "unknown default"
    assert lines["circuit"] == "closed 0 faults in a row"


async def test_the_limiter_of_a_model_is_shown_as_json(redis_server: RealRedis, real_redis: RedisClient):
    limiter = ProviderLimiter(real_redis, "m", LimiterPolicy())
    await limiter.acquire(10)
    await limiter.report(CallOutcome.FAULT, open_seconds=60.0)

    ran = await etude("models", "--json", "--base-url", SERVER, "--redis-url", redis_server.url)

    (status,) = json.loads(ran.out)
    assert (status["model"], status["server"], status["circuit"]) == ("m", SERVER, "open")
    assert status["waits_until"] > 0
    assert status["learned_until"] == 0
    assert {ability["source"] for ability in status["abilities"]} == {"default"}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], [server_id(SERVER)]),
        (["--base-url", SERVER], [SERVER]),
        (["--base-url", f"{SERVER}/"], [f"{SERVER}/"]),
        (["--base-url", "http://other/v1"], [server_id(SERVER), "http://other/v1"]),
    ],
)
async def test_a_model_is_shown_once_although_its_limiter_tells_no_server(
    redis_server: RealRedis, real_redis: RedisClient, options: list[str], shown: list[str]
):
    """Without a base URL nobody says that the model is called at OpenAI too."""
    await RedisAbilityStore(real_redis, base_url=SERVER, model="m").save(LEARNED)
    await ProviderLimiter(real_redis, "m", LimiterPolicy()).acquire(10)

    ran = await etude("models", "--json", *options, "--redis-url", redis_server.url)

    assert sorted(one["server"] for one in json.loads(ran.out)) == sorted(shown)


async def test_what_was_learned_can_be_forgotten(redis_server: RealRedis, real_redis: RedisClient):
    store = RedisAbilityStore(real_redis, base_url=SERVER, model="m")
    await store.save(LEARNED)

    forgotten = await etude("models", "forget", "m", "--redis-url", redis_server.url)
    again = await etude("models", "forget", "m", "--redis-url", redis_server.url)

    assert (forgotten.code, forgotten.out) == (0, "m is tried anew\n")
    assert await store.load() is None
    assert (again.code, again.err) == (1, "etude: nothing was learned of m\n")


async def test_a_wrong_setting_is_one_line(redis_server: RealRedis):
    ran = await etude("models", "--features", "color=red", "--redis-url", redis_server.url)
    assert ran.code == 2
    assert ran.err.startswith("etude: ETUDE_MODEL_FEATURES: 'color' is none of")


async def test_the_price_of_a_model_is_shown_and_a_missing_one_is_said(
    redis_server: RealRedis, real_redis: RedisClient
):
    await RedisAbilityStore(real_redis, base_url=SERVER, model="m").save(LEARNED)
    prices = '{"m": {"input": 2, "cached_input": 0.5, "output": 8}}'

    unpriced = await etude("models", "--base-url", SERVER, "--redis-url", redis_server.url)
    priced = await etude("models", "--base-url", SERVER, "--prices", prices, "--redis-url", redis_server.url)
    wrong = await etude("models", "--prices", "{", "--redis-url", redis_server.url)

    assert "price unknown its cost is counted nowhere" in " ".join(unpriced.out.split())
    assert "price $2 in, $0.5 cached, $8 out per million tokens" in " ".join(priced.out.split())
    assert wrong.code == 2
    assert wrong.err.startswith("etude: ETUDE_MODEL_PRICES: ")
