"""What may go wrong with a call, on demand or by chance."""

import random
from enum import StrEnum

from msgspec import Struct, field


class FaultKind(StrEnum):
    ERROR = "error"
    """An error in good form: `status`, `code`, `type`, `headers`."""
    HANG = "hang"
    """No answer, ever."""
    DRIP = "drip"
    """An answer, one piece every `seconds`."""
    CUT = "cut"
    """Closed after `pieces` pieces of the answer."""
    RESET = "reset"
    """The connection breaks before a byte was answered."""
    HTML = "html"
    """A page, with status 200."""
    ERROR_IN_SUCCESS = "error_in_success"
    """An error in good form, with status 200; in a stream, after `pieces` pieces."""
    BROKEN_EVENT = "broken_event"
    """In a stream, a line that is no JSON, after `pieces` pieces."""
    NO_CHOICES = "no_choices"
    INVALID_JSON = "invalid_json"
    """Content that is no JSON."""
    WRONG_SCHEMA = "wrong_schema"
    """Content that is JSON, of another shape."""
    TRUNCATED = "truncated"
    """Content that ends at the length limit."""
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    NO_USAGE = "no_usage"
    IMPOSSIBLE_USAGE = "impossible_usage"
    """An answer in good form, whose token counts no call can have had."""
    WRAPPED = "wrapped"
    """A good answer after thoughts, in a fence, in a list of parts."""
    EMPTY = "empty"
    """An answer of the right shape with nothing in it."""
    INDISCREET = "indiscreet"
    """An answer in good form, whose model's name repeats the prompt."""


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: FaultKind
    times: int = 1
    """How many calls it befalls."""
    model: str = ""
    """Befalls only calls to this model."""
    call_id: str = ""
    """Befalls only calls whose id starts so."""
    name: str = ""
    """What the journal calls it; the kind when empty."""
    status: int = 500
    code: str | None = None
    type: str = "server_error"
    message: str = ""
    """The words of an error; those of the prompt when empty."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    seconds: float = 0.1
    pieces: int = 2


def rate_limited(retry_after: str = "", *, times: int = 1) -> Fault:
    return _error(429, "rate_limit_exceeded", "requests", retry_after=retry_after, times=times)


def out_of_credit(code: str = "credit_balance_exhausted", *, times: int = 1) -> Fault:
    return _error(429, code, "insufficient_quota", times=times)


def overloaded(retry_after: str = "", *, times: int = 1) -> Fault:
    return _error(
        503, "server_is_overloaded", "service_unavailable_error", retry_after=retry_after, times=times
    )


def server_error(*, times: int = 1) -> Fault:
    return _error(500, None, "server_error", times=times)


def too_long(*, times: int = 1) -> Fault:
    """As vLLM says it, without a code of OpenAI's."""
    return Fault(
        kind=FaultKind.ERROR,
        times=times,
        name="too_long",
        status=400,
        type="BadRequestError",
        message="This model's maximum context length is 4096 tokens. Please reduce the length of the messages.",
    )


def rejected(*, times: int = 1) -> Fault:
    """A refusal that says nothing."""
    return Fault(kind=FaultKind.ERROR, times=times, name="rejected", status=422, type="unknown", message="no")


def _error(status: int, code: str | None, type_: str, *, retry_after: str = "", times: int = 1) -> Fault:
    return Fault(
        kind=FaultKind.ERROR,
        times=times,
        name=code or type_,
        status=status,
        code=code,
        type=type_,
        headers={"retry-after": retry_after} if retry_after else {},
    )


BY_NAME: dict[str, Fault] = {
    **{kind.value: Fault(kind=kind) for kind in FaultKind},
    "rate_limited": rate_limited("1"),
    "out_of_credit": out_of_credit(),
    "overloaded": overloaded("1"),
    "server_error": server_error(),
    "too_long": too_long(),
    "rejected": rejected(),
    "ten_years": rate_limited("315360000"),
}
"""Faults that chance may choose."""


class Faults:
    """Those ordered come first, in their order; then chance, the same for the same seed and calls."""

    def __init__(self, *, seed: int = 0) -> None:
        self._ordered: list[Fault] = []
        self._left: list[int] = []
        self._rates: dict[str, float] = {}
        self._random = random.Random(seed)

    def add(self, *faults: Fault) -> None:
        self._ordered.extend(faults)
        self._left.extend(fault.times for fault in faults)

    def set_rates(self, rates: dict[str, float], *, seed: int = 0) -> None:
        """Fault name to probability; raises `KeyError` for a name that is none."""
        self._rates = {name: rate for name, rate in rates.items() if BY_NAME[name]}
        self._random = random.Random(seed)

    def clear(self) -> None:
        self._ordered.clear()
        self._left.clear()
        self._rates.clear()

    def next_for(self, model: str, call_id: str) -> Fault | None:
        for index, fault in enumerate(self._ordered):
            if self._left[index] and fault.model in ("", model) and call_id.startswith(fault.call_id):
                self._left[index] -= 1
                return fault
        return self._by_chance()

    def _by_chance(self) -> Fault | None:
        if not self._rates:
            return None
        drawn = self._random.random()
        for name, rate in self._rates.items():
            if (drawn := drawn - rate) < 0:
                return BY_NAME[name]
        return None
