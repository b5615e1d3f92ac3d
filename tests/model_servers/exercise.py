"""Drives one model server through everything that Etude asks of a model: the six kinds of `/api/ai`, a collection and a chat."""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager

from msgspec import Struct, field
from tests.fakes import FakeAttemptContext
from tests.model_servers.relay import Exchange, Relay
from tests.paths import read_text

from ai_worker.handlers import HANDLERS as AI_HANDLERS
from collection_worker.handlers import HANDLERS as COLLECTION_HANDLERS
from shared.adapters.llm.model import ModelCall
from shared.adapters.llm.openai.ladder.abilities import Abilities
from shared.adapters.llm.token_counter import count_tokens
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.models.provider_limiter import Circuit, LimiterPolicy, ProviderLimiter, Reason
from shared.domain.generation.hold import hold_for
from shared.domain.jobs.job import AI_KINDS, Kind
from shared.domain.jobs.outcome import Done
from shared.domain.jobs.payload import AiInput, CollectionInput, JobInput
from shared.domain.llm.provider import ChatRequest, Message, Provider
from shared.domain.provider_errors import ProviderError
from shared.domain.study.material import Options
from shared.domain.usage import Usage
from shared.runtime.config.settings import read_settings
from shared.runtime.generation.provider_factory import ProviderSettings, build_providers, models_of
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics

SUCCEEDED = "succeeded"
CHAT = "chat"
KINDS = (*AI_KINDS, Kind.COLLECTION)
SOURCE = read_text("supply_and_demand.en.txt")
OPTIONS = Options(flashcards=3, questions=3)
QUESTION = "What is the equilibrium price?"
CHAT_REQUEST = ChatRequest(
    messages=[Message("user", QUESTION)], sources=[SOURCE], language="en", max_output_tokens=40
)
CHAT_TOKENS = 400
"""Tokens of the rules for a chat, the frames of its messages and the reply; a chat's hold is more."""


class Trial(Struct):
    """One job or chat and how it ended."""

    name: str
    ended: str = SUCCEEDED
    """`succeeded`, or the code of the error."""
    tokens: int = 0
    """Tokens that were charged."""
    hold: int = 0
    """The tokens that would have been held for it."""
    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    @property
    def calls(self) -> int:
        """Requests that the server accepted: one, and one more for each completion that was asked for again."""
        return len(self.exchanges) - len(self.refused)

    @property
    def refused(self) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.is_refused]


class Findings(Struct, kw_only=True):
    """What one server did."""

    trials: list[Trial]
    again: list[Trial]
    """A summary and a chat by another process of the fleet, when what the server refuses is known."""
    abilities: Abilities
    corrections: int
    is_gate_open: bool


async def exercise(url: str, model: str, redis: RedisClient, **settings: str) -> Findings:
    """`settings` are settings of Etude beside the URL and the model."""
    async with Relay(url) as relay:
        async with connect(relay.url, model, redis, **settings) as (provider, metrics):
            desk = Desk(provider, metrics, relay)
            trials = [await desk.try_job(kind) for kind in KINDS]
            trials.append(await desk.try_chat())
        async with connect(relay.url, model, redis, **settings) as (provider, following):
            desk = Desk(provider, following, relay)
            again = [await desk.try_job(Kind.SUMMARY), await desk.try_chat()]
        permit = await ProviderLimiter(redis, model, LimiterPolicy()).acquire(1)
        return Findings(
            trials=trials,
            again=again,
            abilities=metrics.learned,
            corrections=metrics.corrections,
            is_gate_open=(permit.reason, permit.circuit) == (Reason.NONE, Circuit.CLOSED),
        )


class WatchedMetrics(ModelMetrics):
    """Keeps what the provider reports beside calls."""

    learned = Abilities()
    corrections = 0
    spent = 0
    """Tokens of all calls, those of failed ones too."""

    @asynccontextmanager
    async def measure(self, call: ModelCall) -> AsyncGenerator[None]:
        try:
            async with super().measure(call):
                yield
        finally:
            self.spent += (call.usage or Usage()).total

    def abilities(self, model: str, abilities: Abilities) -> None:
        super().abilities(model, abilities)
        self.learned = abilities

    def usage_corrected(self, model: str) -> None:
        super().usage_corrected(model)
        self.corrections += 1


@asynccontextmanager
async def connect(
    url: str, model: str, redis: RedisClient, **settings: str
) -> AsyncGenerator[tuple[Provider, WatchedMetrics]]:
    """The provider as a worker builds it: with the fleet's rate limiter, and without the offline generator."""
    read = read_settings(ProviderSettings, {"OPENAI_BASE_URL": url, "ETUDE_MODEL": model, **settings})
    metrics = WatchedMetrics(Meter("tests"), models_of(read), {}, kinds=KINDS)
    providers = build_providers(read, metrics=metrics, redis=redis)
    try:
        yield providers.strict, metrics
    finally:
        await providers.close()


class Desk(Struct, frozen=True):
    """Where jobs and chats are tried with one provider."""

    provider: Provider
    metrics: WatchedMetrics
    relay: Relay

    async def try_job(self, kind: Kind) -> Trial:
        is_collection = kind is Kind.COLLECTION
        given: JobInput = (CollectionInput if is_collection else AiInput)(text=SOURCE, options=OPTIONS)
        handlers = COLLECTION_HANDLERS if is_collection else AI_HANDLERS
        with self._trial(kind, hold_for(kind, given, count_tokens)) as trial:
            outcome = await handlers[kind](given, FakeAttemptContext(self.provider))
            trial.ended = SUCCEEDED if isinstance(outcome, Done) else outcome.problem.code
        return trial

    async def try_chat(self) -> Trial:
        with self._trial(CHAT, count_tokens(QUESTION + SOURCE) + CHAT_TOKENS) as trial:
            text = ""
            async with aclosing(self.provider.stream(CHAT_REQUEST)) as deltas:
                async for delta in deltas:
                    text += delta.text
            trial.ended = SUCCEEDED if text.strip() else "empty"
        return trial

    @contextmanager
    def _trial(self, name: str, hold: int) -> Generator[Trial]:
        trial = Trial(name, hold=hold)
        spent, exchanges = self.metrics.spent, len(self.relay.exchanges)
        try:
            yield trial
        except ProviderError as error:
            trial.ended = error.code
        trial.tokens = self.metrics.spent - spent
        trial.exchanges = self.relay.exchanges[exchanges:]
