"""The alert drill: something breaks on a running stack, the one alert that names it is heard, and goes when it is over."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic

from msgspec import Struct
from tests.watch.load import Traffic, bury
from tests.watch.watched import Watched, watching

Fault = Callable[[Watched], AbstractContextManager[None]]
HEAR_SECONDS = 180.0


class Heard(Struct, frozen=True):
    """What came of one fault."""

    alert: str
    seconds_to_hear: float
    seconds_to_fall_silent: float
    others: frozenset[str]
    """Heard meanwhile, and wrongly so."""

    @property
    def is_as_it_should_be(self) -> bool:
        return not self.others and max(self.seconds_to_hear, self.seconds_to_fall_silent) < HEAR_SECONDS


@contextmanager
def hung_workers(watched: Watched) -> Generator[None]:
    worker = watched.stack.process_of("ai_worker")
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


@contextmanager
def failing_provider(watched: Watched) -> Generator[None]:
    watched.provider.set_rates({"server_error": 1.0}, seed=1)
    try:
        yield
    finally:
        watched.provider.set_rates({}, seed=1)


@contextmanager
def dead_letter(watched: Watched) -> Generator[None]:
    with watched.client_of("ada", "pro") as ada:
        bury(watched, ada)
    yield


@contextmanager
def spent_budgets(watched: Watched) -> Generator[None]:
    with Traffic(watched.client_of("poe", "poor"), pause_seconds=0.05):
        yield


FAULTS: dict[str, Fault] = {
    "DeadLetters": dead_letter,
    "ServiceMissing": hung_workers,
    "BudgetRefusals": spent_budgets,
    "ProviderCircuitOpen": failing_provider,
}
"""By the alert that must name each."""


def drill(folder: Path) -> Iterator[Heard]:
    """One fault after the other, on one stack under load. Raises `NoServer`."""
    with watching(folder) as watched, Traffic(watched.client_of("eve", "pro"), pause_seconds=0.2):
        for alert, fault in FAULTS.items():
            yield cause(watched, alert, fault)


def cause(watched: Watched, alert: str, fault: Fault) -> Heard:
    began = monotonic()
    with fault(watched):
        heard = watched.listen_until({alert}, HEAR_SECONDS)
        ended = monotonic()
    heard |= watched.listen_until(set(), HEAR_SECONDS)
    return Heard(
        alert=alert,
        seconds_to_hear=ended - began,
        seconds_to_fall_silent=monotonic() - ended,
        others=frozenset(heard - {alert}),
    )
