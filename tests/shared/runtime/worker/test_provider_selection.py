"""The provider of a job: its models by plan, kind and request, and the offline generator as a last resort."""

import msgspec
import pytest
from tests.factories import CARDS_PROMPT, NOW, make_job, make_plan
from tests.simulators.provider import ProviderSimulator

from shared.domain.budgets import Plan
from shared.domain.jobs.job import Kind, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.llm.model_choice import ModelChains, PlanModels
from shared.domain.study.material import CardDrafts
from shared.runtime.config.settings import read_settings
from shared.runtime.generation.provider_factory import ProviderSettings, build_providers, models_of
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics
from shared.runtime.worker.provider_selection import ProviderSelection

PRO = PlanModels(chains=ModelChains(quiz=("large",)), allowed=("huge",))


def job_of(plan: str, kind: Kind, *, model: str | None = None) -> LeasedJob:
    options = {} if model is None else {"model": model}
    payload = msgspec.json.encode({"text": "Water boils at 100 °C.", "options": options})
    return make_job(plan=plan, kind=kind, payload=payload)


async def asked_model(simulator: ProviderSimulator, job: LeasedJob, plans: dict[str, Plan]) -> str:
    """The model that the first call of the job asks for."""
    settings = read_settings(
        ProviderSettings,
        {
            "OPENAI_API_KEY": "key",
            "OPENAI_BASE_URL": simulator.url,
            "ETUDE_MODEL": "small",
            "ETUDE_MODELS": '{"summary": ["brief"]}',
        },
    )
    metrics = ModelMetrics(Meter("tests"), models_of(settings, plans), {}, kinds=[])
    providers = build_providers(settings, plans, metrics=metrics)
    selection = ProviderSelection(plans, providers, JobPolicy(), lambda: NOW)
    await selection.select(job).complete(CARDS_PROMPT, CardDrafts)
    await providers.close()
    return simulator.journal.calls[-1].model


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (job_of("free", Kind.FLASHCARDS), "small"),
        (job_of("free", Kind.SUMMARY), "brief"),
        (job_of("pro", Kind.QUIZ), "large"),
        (job_of("pro", Kind.SUMMARY), "brief"),
        (job_of("pro", Kind.QUIZ, model="huge"), "huge"),
        (job_of("free", Kind.QUIZ, model="huge"), "small"),
        (job_of("pro", Kind.QUIZ, model="gone"), "large"),
        (job_of("a plan that was removed", Kind.QUIZ), "small"),
    ],
)
async def test_the_plan_the_kind_and_the_request_choose_the_model(job: LeasedJob, expected: str):
    plans = {"free": make_plan(), "pro": make_plan(models=PRO)}
    async with ProviderSimulator() as simulator:
        assert await asked_model(simulator, job, plans) == expected
