"""One composition chooses the provider: a key is OpenAI's API, no key is the offline generator."""

from pathlib import Path

import pytest
from tests.factories import CARDS_PROMPT
from tests.simulators.faults import Fault, FaultKind, out_of_credit, rate_limited, server_error
from tests.simulators.provider import ProviderSimulator

from shared.adapters.offline.provider import OfflineProvider
from shared.domain.errors import ProviderBusy, ProviderOutOfCredit
from shared.domain.study.material import CardDrafts
from shared.runtime.config.settings import InvalidSettings, read_settings
from shared.runtime.generation.provider_factory import ProviderSettings, build_provider

KEY = "sk-never-to-be-printed"


class _ServiceSettings(ProviderSettings, frozen=True, kw_only=True):
    """As a service extends them."""

    port: int = 1


def settings(**environ: str) -> ProviderSettings:
    return read_settings(ProviderSettings, environ)


def with_key(simulator: ProviderSimulator, **environ: str) -> ProviderSettings:
    return settings(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=simulator.url, **environ)


async def test_without_a_key_the_offline_generator_answers():
    provider = build_provider(settings())

    assert isinstance(provider, OfflineProvider)
    assert (await provider.complete(CARDS_PROMPT, CardDrafts)).generated_by == "offline"


async def test_with_a_key_the_model_of_the_settings_answers():
    async with ProviderSimulator() as simulator:
        provider = build_provider(with_key(simulator, ETUDE_MODEL="model-7"))
        completion = await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    assert (completion.generated_by, completion.model) == ("openai", "model-7")
    request = simulator.journal.calls[0].request
    assert request is not None
    assert request.store is None, "another server is sent nothing that only OpenAI knows"
    assert request.reasoning_effort == ""


async def test_a_model_may_be_told_how_much_to_think():
    async with ProviderSimulator() as simulator:
        provider = build_provider(with_key(simulator, ETUDE_REASONING_EFFORT="none"))
        await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    request = simulator.journal.calls[0].request
    assert request is not None
    assert request.reasoning_effort == "none"


async def test_fallback_models_are_asked_in_their_order():
    async with ProviderSimulator() as simulator:
        provider = build_provider(with_key(simulator, ETUDE_MODEL="a", ETUDE_FALLBACK_MODELS=" b,c , a,"))
        simulator.faults.add(server_error(times=2))
        completion = await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    assert [call.model for call in simulator.journal.calls] == ["a", "b", "c"]
    assert completion.fallback_used


async def test_the_offline_generator_is_a_last_resort_only_where_it_is_allowed():
    async with ProviderSimulator() as simulator:
        simulator.faults.add(out_of_credit(times=2))
        strict = build_provider(with_key(simulator))
        lenient = build_provider(with_key(simulator), allow_offline=True)

        with pytest.raises(ProviderOutOfCredit):
            await strict.complete(CARDS_PROMPT, CardDrafts)
        completion = await lenient.complete(CARDS_PROMPT, CardDrafts)
        await strict.close()
        await lenient.close()

    assert (completion.generated_by, completion.fallback_used) == ("offline", True)


@pytest.mark.parametrize(("environ", "calls"), [({}, 1), ({"ETUDE_CALLS_PER_ATTEMPT": "3"}, 3)])
async def test_the_calls_of_an_attempt_are_those_of_the_settings(environ: dict[str, str], calls: int):
    async with ProviderSimulator() as simulator:
        simulator.faults.add(rate_limited("0", times=9))
        provider = build_provider(with_key(simulator, **environ))
        with pytest.raises(ProviderBusy):
            await provider.complete(CARDS_PROMPT, CardDrafts)
        await provider.close()

    assert len(simulator.journal.calls) == calls


async def test_a_call_is_given_the_time_of_the_settings():
    async with ProviderSimulator() as simulator:
        simulator.faults.add(Fault(kind=FaultKind.HANG))
        provider = build_provider(
            with_key(simulator, ETUDE_PROVIDER_TIMEOUT_SECONDS="0.05"), allow_offline=True
        )
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
def test_a_base_url_that_is_none_is_said_at_the_start(url: str):
    with pytest.raises(InvalidSettings, match="OPENAI_BASE_URL"):
        build_provider(settings(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=url))


@pytest.mark.parametrize("key", ["sk-clé", "sk-a\nb", "sk-a b"])
def test_a_key_that_is_none_is_said_at_the_start_and_not_repeated(key: str):
    with pytest.raises(InvalidSettings, match="OPENAI_API_KEY") as raised:
        build_provider(settings(OPENAI_API_KEY=key))
    assert key not in str(raised.value)


def test_blanks_are_no_key():
    assert isinstance(build_provider(settings(OPENAI_API_KEY=" \n")), OfflineProvider)
