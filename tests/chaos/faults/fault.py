"""What can be done to a fleet, and undone: each fault a small object with a name, `apply` and `heal`."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from msgspec import Struct
from tests.chaos.fleet.fleet import Fleet


class FaultEffect(Struct, frozen=True, kw_only=True):
    """What a fault did, once."""

    at: float
    target: str = ""
    jobs: tuple[str, ...] = ()
    """Those whose worker it took away."""
    poison: str = ""
    """The job that did it, if one did."""
    note: str = ""
    """What was wrong with how it went."""


class Fault(Protocol):
    """Applied once, then healed once."""

    @property
    def name(self) -> str: ...

    @property
    def seconds(self) -> float:
        """Between the two."""
        ...

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]: ...

    async def heal(self, fleet: Fleet) -> None: ...


MakeFault = Callable[[], Fault]
