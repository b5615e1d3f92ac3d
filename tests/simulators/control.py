"""The simulator ruled and read from another process.

`GET journal` · `DELETE journal` · `POST faults {add, rates, seed}` · `DELETE faults` ·
`POST settings {latency_seconds, piece_seconds, requests_per_minute, tokens_per_minute, knows_idempotency_keys}`, each under `/_control/`.
"""

from typing import Protocol

import msgspec
from msgspec import Struct
from tests.simulators.background import BackgroundResponses
from tests.simulators.faults import Fault, Faults
from tests.simulators.journal import Journal
from tests.simulators.pace import Pace


class Simulator(Protocol):
    latency_seconds: float
    piece_seconds: float
    pace: Pace
    faults: Faults
    journal: Journal
    background: BackgroundResponses


class FaultOrder(Struct, forbid_unknown_fields=True):
    add: list[Fault] = []
    rates: dict[str, float] | None = None
    """Fault name to probability."""
    seed: int = 0


class SettingsOrder(Struct, forbid_unknown_fields=True):
    """What is not given stays as it is."""

    latency_seconds: float | None = None
    piece_seconds: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    knows_idempotency_keys: bool | None = None


def control(simulator: Simulator, method: str, path: str, body: bytes) -> tuple[int, object]:
    """Status and answer. Raises `msgspec.DecodeError` for an order that is none."""
    match method, path:
        case "GET", "journal":
            return 200, {"calls": simulator.journal.calls}
        case "DELETE", "journal":
            simulator.journal.clear()
        case "POST", "faults":
            _order(simulator.faults, msgspec.json.decode(body, type=FaultOrder))
        case "DELETE", "faults":
            simulator.faults.clear()
        case "POST", "settings":
            _set(simulator, msgspec.json.decode(body, type=SettingsOrder))
        case _:
            return 404, {"error": "unknown"}
    return 200, {"ok": True}


def _order(faults: Faults, order: FaultOrder) -> None:
    faults.add(*order.add)
    if order.rates is not None:
        faults.set_rates(order.rates, seed=order.seed)


def _set(simulator: Simulator, order: SettingsOrder) -> None:
    if order.latency_seconds is not None:
        simulator.latency_seconds = order.latency_seconds
    if order.piece_seconds is not None:
        simulator.piece_seconds = order.piece_seconds
    if order.knows_idempotency_keys is not None:
        simulator.background.knows_idempotency_keys = order.knows_idempotency_keys
    if order.requests_per_minute is not None or order.tokens_per_minute is not None:
        simulator.pace = Pace(
            requests_per_minute=order.requests_per_minute, tokens_per_minute=order.tokens_per_minute
        )
