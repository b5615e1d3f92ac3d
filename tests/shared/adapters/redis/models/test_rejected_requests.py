"""A request that the server does not take costs its sender alone, until so many senders are rejected that it is the account."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs
from tests.factories import SUMMARY_PROMPT
from tests.simulators.scripted_server import Body, Response, ScriptedServer, completion, message_of, refusal

from shared.adapters.llm.model import Model
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.rate_limit_hook import RateLimitHook
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.models.provider_limiter import LimiterPolicy, ProviderLimiter, Reason
from shared.domain.llm.provider import ChatRequest, Message
from shared.domain.provider_errors import (
    ProviderBusy,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from shared.domain.study.material import SummaryDraft

BAD = "refuse me"
GOOD = '{"summary": "It is about a rodent.", "key_points": []}'


class Fleet:
    """A model behind the fleet's limiter, in front of a server that refuses every text with `BAD` in it."""

    def __init__(self, redis: RedisClient, url: str) -> None:
        self.limiter = ProviderLimiter(redis, "model-1", LimiterPolicy())
        learned = LearnedAbilities(COMPATIBLE, model="model-1", is_known=True)
        provider = OpenAIProvider(connect("key", base_url=url), model="model-1", learned=learned)
        self.model = Model(
            provider,
            name="model-1",
            provider_name="openai",
            hooks=[RateLimitHook(self.limiter, model="model-1")],
        )

    async def ask(self, source: str, *, user: str = "user", job: str = "job") -> None:
        prompt = replace(SUMMARY_PROMPT, source=source, safety_id=user, call_id=f"{job}/summary/0")
        await self.model.complete(prompt, SummaryDraft)

    async def chat_error_of(self, user: str) -> type[ProviderError]:
        request = ChatRequest(
            messages=[Message("user", BAD)], language="en", max_output_tokens=50, safety_id=user
        )
        with pytest.raises(ProviderError) as raised:
            async with aclosing(self.model.stream(request)) as deltas:
                await anext(deltas)
        return type(raised.value)

    async def error_of(self, *, user: str = "user", job: str = "job") -> type[ProviderError]:
        with pytest.raises(ProviderError) as raised:
            await self.ask(BAD, user=user, job=job)
        return type(raised.value)

    async def is_open_to_others(self) -> bool:
        return (await self.limiter.acquire(1)).reason is Reason.NONE


@asynccontextmanager
async def refusing(
    redis: RedisClient, status: int, body_of_refusal: object = None, **headers: str
) -> AsyncGenerator[Fleet]:
    def respond(body: Body) -> Response:
        if BAD in str(body["messages"]):
            return refusal(status, body_of_refusal or message_of("no"), **headers)
        return completion(GOOD)

    async with ScriptedServer(respond) as server:
        fleet = Fleet(redis, server.url)
        yield fleet
        await fleet.model.close()


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_one_learner_s_rejected_texts_delay_nobody(real_redis: RedisClient, status: int):
    async with refusing(real_redis, status) as fleet:
        for number in range(10):
            assert await fleet.error_of(job=f"job-{number}") is ProviderRejected
            assert await fleet.is_open_to_others()
        await fleet.ask("A healthy text.", user="other")


@pytest.mark.parametrize("status", [400, 404])
async def test_one_learner_s_rejected_chats_delay_nobody(real_redis: RedisClient, status: int):
    async with refusing(real_redis, status) as fleet:
        for _ in range(5):
            assert await fleet.chat_error_of("user-1") is ProviderRejected
            assert await fleet.is_open_to_others()


async def test_a_learner_s_chats_and_jobs_count_as_one_sender(real_redis: RedisClient):
    async with refusing(real_redis, 400) as fleet:
        for number in range(3):
            assert await fleet.chat_error_of("user-1") is ProviderRejected
            assert await fleet.error_of(user="user-1", job=f"job-{number}") is ProviderRejected
        assert await fleet.chat_error_of("user-2") is ProviderRejected
        assert await fleet.is_open_to_others()


@pytest.mark.parametrize("status", [400, 404])
async def test_chats_of_three_learners_rejected_in_a_row_are_the_account_s_fault(
    real_redis: RedisClient, status: int
):
    async with refusing(real_redis, status) as fleet:
        errors = [await fleet.chat_error_of(f"user-{number}") for number in range(4)]
        assert errors == [ProviderRejected, ProviderRejected, ProviderMisconfigured, ProviderBusy]


@pytest.mark.parametrize("status", [400, 404])
async def test_different_senders_rejected_in_a_row_are_the_account_s_fault(
    real_redis: RedisClient, status: int
):
    async with refusing(real_redis, status) as fleet:
        with capture_logs() as logs:
            errors = [await fleet.error_of(user=f"user-{n}", job=f"job-{n}") for n in range(4)]
        assert errors == [ProviderRejected, ProviderRejected, ProviderMisconfigured, ProviderBusy]
        opened = [line for line in logs if line["event"] == "provider.breaker_opened"]
        assert [line["code"] for line in opened] == ["provider_misconfigured"], "one message for all"


async def test_an_unknown_model_takes_three_jobs_of_any_learner(real_redis: RedisClient):
    async with refusing(real_redis, 404) as fleet:
        assert [await fleet.error_of(job="job-1") for _ in range(5)] == [ProviderRejected] * 5, (
            "one job's parts"
        )
        assert await fleet.error_of(job="job-2") is ProviderRejected
        assert await fleet.error_of(job="job-3") is ProviderMisconfigured


NAMED = [
    (404, {"error": {"message": "no", "code": "model_not_found"}}),
    (400, {"error": {"message": "no", "code": "model_not_found"}}),
    (404, {"object": "error", "message": "no", "type": "NotFoundError", "code": 404}),
    (404, {"error": {"message": "no", "code": "DeploymentNotFound"}}),
    (400, {"error": {"message": "no", "type": "invalid_request_error", "code": "model_not_exist"}}),
    (200, {"error": {"message": "no", "code": "model_not_found"}}),
]


@pytest.mark.parametrize(("status", "body"), NAMED)
async def test_an_unknown_model_takes_three_jobs_although_the_server_names_it(
    real_redis: RedisClient, status: int, body: object
):
    """One such response may be a slip of a gateway, as it was where one stopped the fleet for a minute."""
    async with refusing(real_redis, status, body) as fleet:
        for job in ("job-1", "job-1", "job-2"):
            assert await fleet.error_of(job=job) is ProviderRejected
            assert await fleet.is_open_to_others()
        assert await fleet.error_of(job="job-3") is ProviderMisconfigured
        assert not await fleet.is_open_to_others()


@pytest.mark.parametrize("status", [401, 402])
async def test_a_rejected_account_stops_the_fleet_at_once(real_redis: RedisClient, status: int):
    async with refusing(real_redis, status) as fleet:
        await fleet.error_of()
        assert not await fleet.is_open_to_others()


async def test_a_call_that_succeeds_in_between_starts_the_count_anew(real_redis: RedisClient):
    async with refusing(real_redis, 400) as fleet:
        for number in range(6):
            assert await fleet.error_of(user=f"user-{number}", job=f"job-{number}") is ProviderRejected
            await fleet.ask("A healthy text.")


async def test_no_response_closes_the_limiter_for_longer_than_a_minute(real_redis: RedisClient):
    async with refusing(real_redis, 429, retry_after="315360000") as fleet:
        assert await fleet.error_of() is ProviderBusy
        permit = await fleet.limiter.acquire(1)
        assert permit.reason is Reason.ASKED_TO_WAIT
        assert 50 < permit.wait <= 60


@pytest.mark.parametrize("status", [500, 200])
async def test_the_faults_of_one_learner_in_a_row_count_once(real_redis: RedisClient, status: int):
    async with refusing(real_redis, status) as fleet:
        for number in range(10):
            assert await fleet.error_of(job=f"job-{number % 2}") is ProviderUnavailable
            assert await fleet.is_open_to_others()


async def test_the_faults_of_different_learners_open_the_breaker(real_redis: RedisClient):
    async with refusing(real_redis, 500) as fleet:
        errors = [await fleet.error_of(user=f"user-{number}") for number in range(6)]
        assert errors == [ProviderUnavailable] * 5 + [ProviderBusy]
