"""The row of one server in the table that a test run prints."""

from collections.abc import Sequence

from tests.model_servers.catalogue import ModelServer
from tests.model_servers.exercise import SUCCEEDED, Findings, Trial
from tests.model_servers.installation import version_of
from tests.model_servers.relay import Exchange


def row(server: ModelServer, findings: Findings) -> list[str]:
    chat = findings.trials[-1]
    jobs = findings.trials[:-1]
    refusals = sum(len(trial.refused) for trial in findings.trials)
    output = findings.abilities.structured_output.value
    return [
        f"{server.name} ({server.package} {version_of(server.program, server.package)})",
        f"`{output}`" + (f", after {refusals} refusal" + "s" * (refusals > 1) if refusals else ""),
        f"`{findings.abilities.limit_field.value}`",
        _stream_usage(chat),
        ", ".join(f"`{name}`" for name in _usage_fields(jobs)) or "none",
        ", ".join(trial.name for trial in jobs if trial.ended == SUCCEEDED) or "none",
        "yes" if chat.ended == SUCCEEDED else f"`{chat.ended}`",
        ", ".join(f"{trial.name}: `{trial.ended}`" for trial in jobs if trial.ended != SUCCEEDED) or "none",
    ]


def _stream_usage(chat: Trial) -> str:
    accepted = [exchange for exchange in chat.exchanges if not exchange.is_refused]
    if not accepted or "stream_options" not in accepted[-1].request:
        return "not asked for"
    return "reported" if _usages(accepted[-1:]) else "ignored"


def _usage_fields(jobs: Sequence[Trial]) -> list[str]:
    usages = _usages([exchange for trial in jobs for exchange in trial.exchanges])
    return list(dict.fromkeys(name for usage in usages for name in usage))


def _usages(exchanges: Sequence[Exchange]) -> list[dict[str, object]]:
    reports = [report for exchange in exchanges for report in exchange.reports]
    return [usage for report in reports if (usage := report.get("usage"))]
