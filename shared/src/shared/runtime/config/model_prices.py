"""Prices of models and the default model, from the data file of this package. `ETUDE_MODEL_PRICES` overrides its prices."""

import re
from collections.abc import Mapping
from importlib.resources import files

import msgspec
from msgspec import Struct

from shared.domain.usage import Usage
from shared.runtime.config.settings import InvalidSettings

VARIABLE = "ETUDE_MODEL_PRICES"
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
"""The end of a dated model name, such as `gpt-5.4-mini-2026-03-17`, which costs the same as the name without the date."""


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars per million tokens."""

    input: float
    output: float
    cached_input: float | None = None
    """Price of prompt tokens that were read from the provider's cache; the same as `input` if it is not given."""

    def of(self, usage: Usage) -> float:
        cached = self.input if self.cached_input is None else self.cached_input
        uncached_tokens = usage.prompt_tokens - usage.cached_tokens
        input_cost = self.input * uncached_tokens + cached * usage.cached_tokens
        return (input_cost + self.output * usage.completion_tokens) / 1e6


class PriceList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `model_prices.json`."""

    default_model: str
    as_of: str
    """The day, as `YYYY-MM-DD`, on which these prices were valid."""
    source: str
    prices: dict[str, Price]


PRICE_LIST = msgspec.json.decode(
    (files("shared.runtime.config") / "model_prices.json").read_bytes(), type=PriceList
)


def read_prices(content: str) -> dict[str, Price]:
    """The prices of the data file, with those of `content` (JSON) in their place. Raises `InvalidSettings`."""
    try:
        return PRICE_LIST.prices | msgspec.json.decode(content or "{}", type=dict[str, Price])
    except msgspec.DecodeError as error:
        raise InvalidSettings(f"{VARIABLE}: {error}") from None


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """The price of a model; None if it is not known."""
    return prices.get(model) or prices.get(_DATE.sub("", model))
