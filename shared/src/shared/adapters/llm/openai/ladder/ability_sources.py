"""Says of each ability in force whether it is the default, was learned or was set."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from shared.adapters.llm.openai.ladder.abilities import Abilities


class Source(StrEnum):
    DEFAULT = "default"
    LEARNED = "learned"
    SETTING = "setting"


class AbilityInForce(Struct, frozen=True):
    name: str
    value: str
    source: Source


def abilities_in_force(
    base: Abilities, learned: Abilities | None, settings: Mapping[str, Any]
) -> Sequence[AbilityInForce]:
    """What `LearnedAbilities` uses, field by field: a setting goes before what was learned, and that before the default."""

    def find(name: str) -> tuple[object, Source]:
        default = getattr(base, name)
        if name in settings:
            return settings[name], Source.SETTING
        if learned is not None and getattr(learned, name) != default:
            return getattr(learned, name), Source.LEARNED
        return default, Source.DEFAULT

    found = {name: find(name) for name in Abilities.__struct_fields__}
    return [AbilityInForce(name, _to_text(value), source) for name, (value, source) in found.items()]


def _to_text(value: object) -> str:
    return " ".join(sorted(map(str, value))) if isinstance(value, frozenset) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - a field of Abilities
