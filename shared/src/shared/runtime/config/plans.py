"""Reads the plans file, which says what each plan allows. One is shipped; an operator may name another."""

from importlib.resources import files
from pathlib import Path

import msgspec

from shared.domain.budgets import Plan
from shared.runtime.config.settings import InvalidSettings

DEFAULT_PLAN = "free"
"""The plan of a user whose token names no plan, or an unknown one. Every plans file must define it."""
VARIABLE = "ETUDE_PLANS_FILE"


def read_plans(path: Path | str | None) -> dict[str, Plan]:
    """Return the plans by name. Without a path, the shipped ones. Raises `InvalidSettings`."""
    try:
        content = (Path(path) if path else files("shared.runtime.config") / "plans.json").read_bytes()
        plans = msgspec.json.decode(content, type=dict[str, Plan])
    except OSError as error:
        raise InvalidSettings(f"{VARIABLE}: cannot be read ({error.strerror})") from None
    except msgspec.DecodeError as error:
        raise InvalidSettings(f"{VARIABLE}: {error}") from None
    if DEFAULT_PLAN not in plans:
        raise InvalidSettings(f"{VARIABLE}: has no plan `{DEFAULT_PLAN}`, which users without one get")
    return plans
