"""The alert drill: something breaks on a running stack, the one alert that names it is heard, and goes when it is over."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic

from msgspec import Struct
from tests.watch.load import Traffic, bury
from tests.watch.monitored_stack import MonitoredStack, monitored_stack

Fault = Callable[[MonitoredStack], AbstractContextManager[None]]
HEAR_SECONDS = 180.0


class DrillResult(Struct, frozen=True):
    """What came of one fault."""

    alert: str
    seconds_to_fire: float
    seconds_to_resolve: float
    others: frozenset[str]
    """Heard meanwhile, and wrongly so."""

    @property
    def has_passed(self) -> bool:
        return not self.others and max(self.seconds_to_fire, self.seconds_to_resolve) < HEAR_SECONDS


@contextmanager
def hung_workers(monitored: MonitoredStack) -> Generator[None]:
    worker = monitored.stack.process_of("ai_worker")
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


@contextmanager
def failing_provider(monitored: MonitoredStack) -> Generator[None]:
    monitored.provider.set_rates({"server_error": 1.0}, seed=1)
    try:
        yield
    finally:
        monitored.provider.set_rates({}, seed=1)


@contextmanager
def dead_letter(monitored: MonitoredStack) -> Generator[None]:
    with monitored.client_of("ada", "pro") as ada:
        bury(monitored, ada)
    yield


@contextmanager
def spent_budgets(monitored: MonitoredStack) -> Generator[None]:
    with Traffic(monitored.client_of("poe", "poor"), pause_seconds=0.05):
        yield


FAULTS: dict[str, Fault] = {
    "DeadLetters": dead_letter,
    "ServiceMissing": hung_workers,
    "BudgetRefusals": spent_budgets,
    "ProviderCircuitOpen": failing_provider,
}
"""By the alert that must name each."""


def drill(folder: Path) -> Iterator[DrillResult]:
    """One fault after the other, on one stack under load. Raises `NoServer`."""
    with monitored_stack(folder) as monitored, Traffic(monitored.client_of("eve", "pro"), pause_seconds=0.2):
        for alert, fault in FAULTS.items():
            yield cause(monitored, alert, fault)


def cause(monitored: MonitoredStack, alert: str, fault: Fault) -> DrillResult:
    began = monotonic()
    with fault(monitored):
        heard = monitored.firing_until({alert}, HEAR_SECONDS)
        ended = monotonic()
    heard |= monitored.firing_until(set(), HEAR_SECONDS)
    return DrillResult(
        alert=alert,
        seconds_to_fire=ended - began,
        seconds_to_resolve=monotonic() - ended,
        others=frozenset(heard - {alert}),
    )
