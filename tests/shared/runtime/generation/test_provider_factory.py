"""One composition chooses the provider: a key is OpenAI's API, no key is the offline generator."""

from pathlib import Path

import pytest
from tests.factories import CARDS_PROMPT, make_plan
from tests.simulators.faults import Fault, FaultKind, out_of_credit, rate_limited, server_error
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.openai.client import ModelServerClient, connect
from shared.domain.llm.model_choice import ModelChains, PlanModels
from shared.domain.provider_errors import ProviderBusy, ProviderOutOfCredit
from shared.domain.study.material import CardDrafts
from shared.runtime.config.settings import InvalidSettings, read_settings
from shared.runtime.generation import provider_factory
from shared.runtime.generation.provider_factory import (
    Providers,
    ProviderSettings,
    build_providers,
    models_of,
)
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics

KEY = "sk-never-to-be-printed"


class _ServiceSettings(ProviderSettings, frozen=True, kw_only=True):
    """As a service extends them."""

    port: int = 1


def settings(**environ: str) -> ProviderSettings:
    return read_settings(ProviderSettings, environ)


def with_key(simulator: ProviderSimulator, **environ: str) -> ProviderSettings:
    return settings(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=simulator.url, **environ)


def build(read: ProviderSettings) -> Providers:
    return build_providers(read, metrics=ModelMetrics(Meter("tests"), models_of(read), {}, kinds=[]))


async def generated_by(read: ProviderSettings) -> str:
    """What completes a prompt with these settings, where no other generator is allowed."""
    return (await build(read).strict.complete(CARDS_PROMPT, CardDrafts)).generated_by


async def test_without_a_key_the_offline_generator_is_used():
    assert await generated_by(settings()) == "offline"


async def test_with_a_key_the_model_of_the_settings_is_used():
    async with ProviderSimulator() as simulator:
        provider = build(with_key(simulator, ETUDE_MODEL="model-7")).strict
        completion = await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    assert (completion.generated_by, completion.model) == ("openai", "model-7")
    request = simulator.journal.calls[0].request
    assert request is not None
    assert request.store is None, "another server is sent nothing that only OpenAI knows"
    assert request.reasoning_effort == ""


async def test_the_reasoning_effort_is_sent():
    async with ProviderSimulator() as simulator:
        provider = build(with_key(simulator, ETUDE_REASONING_EFFORT="none")).strict
        await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    request = simulator.journal.calls[0].request
    assert request is not None
    assert request.reasoning_effort == "none"


async def test_fallback_models_are_called_in_order():
    async with ProviderSimulator() as simulator:
        provider = build(with_key(simulator, ETUDE_MODEL="a", ETUDE_FALLBACK_MODELS=" b,c , a,")).strict
        simulator.faults.add(server_error(times=2))
        completion = await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    assert [call.model for call in simulator.journal.calls] == ["a", "b", "c"]
    assert completion.fallback_used


async def test_the_offline_generator_is_a_fallback_only_in_the_lenient_chain():
    async with ProviderSimulator() as simulator:
        simulator.faults.add(out_of_credit(times=2))
        providers = build(with_key(simulator))

        with pytest.raises(ProviderOutOfCredit):
            await providers.choose(allow_offline=False).complete(CARDS_PROMPT, CardDrafts)
        completion = await providers.choose(allow_offline=True).complete(CARDS_PROMPT, CardDrafts)
        await providers.close()

    assert (completion.generated_by, completion.fallback_used) == ("offline", True)


@pytest.mark.parametrize(("environ", "calls"), [({}, 1), ({"ETUDE_CALLS_PER_ATTEMPT": "3"}, 3)])
async def test_the_calls_per_attempt_are_those_of_the_settings(environ: dict[str, str], calls: int):
    async with ProviderSimulator() as simulator:
        simulator.faults.add(rate_limited("0", times=9))
        provider = build(with_key(simulator, **environ)).strict
        with pytest.raises(ProviderBusy):
            await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    assert len(simulator.journal.calls) == calls


async def test_the_timeout_of_a_call_is_that_of_the_settings():
    async with ProviderSimulator() as simulator:
        simulator.faults.add(Fault(kind=FaultKind.HANG))
        provider = build(with_key(simulator, ETUDE_PROVIDER_TIMEOUT_SECONDS="0.05")).lenient
        completion = await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    assert completion.generated_by == "offline"


def test_the_key_may_be_in_a_file(tmp_path: Path):
    (tmp_path / "key").write_text(KEY + "\n")
    assert settings(OPENAI_API_KEY_FILE=str(tmp_path / "key")).openai_api_key == KEY


def test_the_key_is_never_printed():
    read = read_settings(_ServiceSettings, {"OPENAI_API_KEY": KEY})

    assert read.openai_api_key == KEY
    assert KEY not in f"{read} {read!r} {[read]}"


@pytest.mark.parametrize(
    "url", ["api.openai.com/v1", "ftp://host/v1", "http://", "http://[::1", "http://h:port"]
)
def test_an_invalid_base_url_is_rejected_at_startup(url: str):
    with pytest.raises(InvalidSettings, match="OPENAI_BASE_URL"):
        build(settings(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=url))


@pytest.mark.parametrize("key", ["sk-clé", "sk-a\nb", "sk-a b"])
def test_an_invalid_key_is_rejected_at_startup_without_being_shown(key: str):
    with pytest.raises(InvalidSettings, match="OPENAI_API_KEY") as raised:
        build(settings(OPENAI_API_KEY=key))
    assert key not in str(raised.value)


async def test_a_blank_key_counts_as_no_key():
    assert await generated_by(settings(OPENAI_API_KEY=" \n")) == "offline"


async def test_both_chains_share_one_client(monkeypatch: pytest.MonkeyPatch):
    made: list[ModelServerClient] = []

    def count(api_key: str, *, base_url: str | None = None) -> ModelServerClient:
        made.append(connect(api_key, base_url=base_url))
        return made[-1]

    monkeypatch.setattr(provider_factory, "connect", count)
    async with ProviderSimulator() as simulator:
        providers = build(with_key(simulator, ETUDE_FALLBACK_MODELS="b,c"))
        for allow_offline in (False, True):
            await providers.choose(allow_offline=allow_offline).complete(CARDS_PROMPT, CardDrafts)
        await providers.close()

    assert len(made) == 1


@pytest.mark.parametrize("content", ["{", '{"quizz": ["a"]}', '{"quiz": "a"}', '{"quiz": [""]}'])
def test_invalid_models_name_the_variable(content: str):
    read = settings(OPENAI_API_KEY=KEY, ETUDE_MODELS=content)
    with pytest.raises(InvalidSettings, match=r"^ETUDE_MODELS: "):
        models_of(read)


def test_the_models_of_kinds_and_plans_follow_the_default_chain():
    plans = {"pro": make_plan(models=PlanModels(chains=ModelChains(chat=("c", "a")), allowed=("d",)))}
    read = settings(OPENAI_API_KEY=KEY, ETUDE_MODEL="a", ETUDE_MODELS='{"quiz": ["b"]}')
    names = [name for _, name in models_of(read, plans)]
    assert names == ["a", "b", "c", "d", "etude-offline-1"]


async def test_a_requested_model_falls_back_to_the_models_of_its_kind():
    plan = PlanModels(allowed=("huge",))
    async with ProviderSimulator() as simulator:
        simulator.faults.add(server_error(times=1))
        read = with_key(simulator, ETUDE_MODEL="small")
        plans = {"pro": make_plan(models=plan)}
        metrics = ModelMetrics(Meter("tests"), models_of(read, plans), {}, kinds=[])
        providers = build_providers(read, plans, metrics=metrics)
        chosen = providers.choose("quiz", plan, requested="huge", allow_offline=False)
        completion = await chosen.complete(CARDS_PROMPT, CardDrafts)
        assert [call.model for call in simulator.journal.calls] == ["huge", "small"]
        assert completion.fallback_used
        await providers.close()
