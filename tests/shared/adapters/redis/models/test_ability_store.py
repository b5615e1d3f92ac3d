"""What a server accepts is learned once for the fleet."""

from tests.factories import SUMMARY_PROMPT
from tests.simulators.scripted_server import Body, Response, ScriptedServer, completion, message_of, refusal

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE, Abilities, StructuredOutput
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.models.ability_store import EXPIRY_SECONDS, RedisAbilityStore
from shared.domain.study.material import SummaryDraft


def store_of(redis: RedisClient, base_url: str = "http://server/v1") -> RedisAbilityStore:
    return RedisAbilityStore(redis, base_url=base_url, model="model-1")


async def test_abilities_are_kept_by_server_for_a_day(redis: RedisClient):
    known = Abilities(structured_output=StructuredOutput.OBJECT, window=4_096, without=frozenset({"store"}))
    await store_of(redis).save(known)
    assert await store_of(redis).load() == known
    assert await store_of(redis, "http://other/v1").load() is None
    assert 0 < await call(redis, "TTL", store_of(redis).key) <= EXPIRY_SECONDS


async def test_what_another_release_wrote_is_learned_anew(redis: RedisClient):
    await store_of(redis).save(COMPATIBLE)
    await call(redis, "SET", store_of(redis).key, '{"structured_output": "telepathy"}')
    assert await store_of(redis).load() is None


async def test_a_second_worker_meets_no_refusal(redis: RedisClient):
    def respond(body: Body) -> Response:
        if body.get("response_format", {}).get("type") == "json_schema":
            return refusal(400, message_of("json_schema is not supported"))
        return completion('{"summary": "It is about a rodent.", "key_points": []}')

    async with ScriptedServer(respond) as server:
        for calls in (2, 3):
            learned = LearnedAbilities(COMPATIBLE, model="model-1", store=store_of(redis, server.url))
            worker = OpenAIProvider(connect("key", base_url=server.url), model="model-1", learned=learned)
            await worker.complete(SUMMARY_PROMPT, SummaryDraft)
            await worker.close()
            assert len(server.requests) == calls
