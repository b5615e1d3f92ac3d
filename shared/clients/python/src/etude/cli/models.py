"""`etude models`: what the fleet knows of its models, for operators. Needs the `operator` extra."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer
from msgspec import Struct
from rich.table import Table

from etude.cli.context import CliContext, context_of
from etude.cli.failure import ExitCode, Failure
from etude.cli.operator_redis import RedisUrl, query_redis
from etude.cli.rendering import plain
from shared.adapters.llm.openai.ladder.abilities import (
    COMPATIBLE,
    OPENAI,
    InvalidFeatures,
    parse_features,
)
from shared.adapters.llm.openai.ladder.ability_sources import AbilityInForce, Source, abilities_in_force
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.models.model_status_store import (
    LearnedOfServer,
    LimiterState,
    ModelStatusStore,
    server_id,
)
from shared.adapters.redis.models.provider_limiter import Circuit
from shared.runtime.config.model_prices import VARIABLE as PRICES_VARIABLE
from shared.runtime.config.model_prices import Price, price_of, read_prices
from shared.runtime.config.settings import InvalidSettings
from shared.runtime.generation.provider_factory import OPENAI_HOST

models = typer.Typer(help="What is known of each model: what its server accepts, and its limiter.")

BaseUrl = Annotated[
    str,
    typer.Option(
        envvar="OPENAI_BASE_URL",
        show_envvar=True,
        show_default=f"https://{OPENAI_HOST}/v1",
        help="Base URL of the models' server.",
    ),
]


class ModelStatus(Struct, frozen=True, kw_only=True):
    """One model of one server."""

    model: str
    server: str
    """The base URL, or its hash where the model was called at another one."""
    abilities: Sequence[AbilityInForce]
    learned_until: float
    """Unix seconds; 0 where nothing was learned."""
    circuit: str
    waits_until: float
    """Unix seconds until which no call is made; 0 where calls are let through."""
    faults_in_a_row: int
    price: Price | None
    """None where it is not known: the model's tokens are in no sum of money."""


@models.callback(invoke_without_command=True)
def show_models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    base_url: BaseUrl = "",
    features: Annotated[str, typer.Option(envvar="ETUDE_MODEL_FEATURES", show_envvar=True)] = "",
    window: Annotated[int, typer.Option(envvar="ETUDE_MODEL_WINDOW", show_envvar=True, min=0)] = 0,
    prices: Annotated[str, typer.Option(envvar=PRICES_VARIABLE, show_envvar=True)] = "",
    redis_url: RedisUrl = "",
) -> None:
    """Show the price and the abilities in force of every model that was called within the last hour, or of which something was learned."""
    if context.invoked_subcommand:
        return
    run = context_of(context)
    settings, price_list = _read_settings(features, window), _read_prices(prices)
    now = run.terminal.now().timestamp()

    url = base_url or f"https://{OPENAI_HOST}/v1"

    async def query(redis: RedisClient) -> list[ModelStatus]:
        store = ModelStatusStore(redis)
        learned, limiters = await store.learned(), await store.limiters()
        known = {(one.server, one.model): one for one in learned}
        here = server_id(url)
        # a limiter does not tell its server, so a model that is known elsewhere is called here only if we are told so
        elsewhere = set[str]() if base_url else {model for server, model in known if server != here}
        called_here = {(here, model) for model in limiters if model not in elsewhere}
        names = sorted({*known, *called_here}, key=lambda name: (name[1], name[0]))
        return [
            _to_status(
                model,
                url if server == here else server,
                known.get((server, model)),
                limiters.get(model, LimiterState()),
                settings,
                price_of(model, price_list),
                now,
            )
            for server, model in names
        ]

    found = query_redis(run, redis_url, query)
    if as_json:
        run.print_json(msgspec.json.encode(found))
    for status in () if as_json else found:
        _print(run, status)


@models.command("forget")
def forget_model(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL")],
    redis_url: RedisUrl = "",
) -> None:
    """Forget what was learned of a model. The fleet tries it anew within 10 seconds."""
    run = context_of(context)
    if not query_redis(run, redis_url, lambda redis: ModelStatusStore(redis).forget(model)):
        raise Failure(ExitCode.REFUSED, f"nothing was learned of {plain(model)}")
    run.terminal.out.print(f"{plain(model)} is tried anew")


def _read_settings(features: str, window: int) -> Mapping[str, object]:
    try:
        return parse_features(features) | ({"window": window} if window else {})
    except InvalidFeatures as error:
        raise Failure(ExitCode.USAGE, f"ETUDE_MODEL_FEATURES: {error}") from None


def _read_prices(content: str) -> Mapping[str, Price]:
    try:
        return read_prices(content)
    except InvalidSettings as error:
        raise Failure(ExitCode.USAGE, str(error)) from None


def _to_status(
    model: str,
    server: str,
    learned: LearnedOfServer | None,
    limiter: LimiterState,
    settings: Mapping[str, object],
    price: Price | None,
    now: float,
) -> ModelStatus:
    is_openai = urlsplit(server).hostname == OPENAI_HOST
    waits_until = max(limiter.closed_until, limiter.open_until)
    return ModelStatus(
        model=model,
        server=server,
        abilities=abilities_in_force(
            OPENAI if is_openai else COMPATIBLE, learned.abilities if learned else None, settings
        ),
        learned_until=round(now + learned.expires_in) if learned else 0.0,
        circuit=_circuit_of(limiter, now).name.lower(),
        waits_until=waits_until if waits_until > now else 0.0,
        faults_in_a_row=limiter.faults,
        price=price,
    )


def _circuit_of(limiter: LimiterState, now: float) -> Circuit:
    if not limiter.open_until:
        return Circuit.CLOSED
    return Circuit.OPEN if limiter.open_until > now else Circuit.HALF_OPEN


def _print(run: CliContext, status: ModelStatus) -> None:
    console, now = run.terminal.out, run.terminal.now().timestamp()
    console.print(f"{plain(status.model)} at {plain(status.server)}", style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 2))
    for ability in status.abilities:
        left = _duration(status.learned_until - now) if ability.source is Source.LEARNED else ""
        source = f"{ability.source.value}, for {left} more" if left else ability.source.value
        value = "unknown" if ability.value == "0" else ability.value or "nothing"
        table.add_row(ability.name, value, source)
    waits = f", no call for {_duration(status.waits_until - now)}" if status.waits_until else ""
    table.add_row("circuit", status.circuit + waits, f"{status.faults_in_a_row} faults in a row")
    table.add_row("price", *_price_cells(status.price))
    console.print(table)


def _price_cells(price: Price | None) -> tuple[str, str]:
    if price is None:
        return "unknown", "its cost is counted nowhere"
    cached = price.input if price.cached_input is None else price.cached_input
    return f"${price.input:g} in, ${cached:g} cached, ${price.output:g} out", "per million tokens"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{round(seconds)} s"
