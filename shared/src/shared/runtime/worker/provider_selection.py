"""Selects the provider that answers a job, by the job's plan, its kind, its request and its last attempts."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from shared.domain.budgets import Plan
from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.payload import requested_model
from shared.domain.llm.provider import Provider
from shared.runtime.config.plans import DEFAULT_PLAN
from shared.runtime.generation.provider_factory import Providers


class ProviderSelection(Struct, frozen=True):
    """Chooses the models of a job, and lets the offline generator answer as a last resort where the job's plan allows it."""

    plans: Mapping[str, Plan]
    providers: Providers
    policy: JobPolicy
    clock: Callable[[], float]

    def select(self, job: LeasedJob) -> Provider:
        plan = self.plans.get(job.plan, self.plans[DEFAULT_PLAN])
        is_last_resort = self.policy.is_last_resort(job, now=self.clock())
        return self.providers.choose(
            job.kind,
            plan.models,
            requested=requested_model(job.payload),
            allow_offline=plan.offline_fallback and is_last_resort,
        )
