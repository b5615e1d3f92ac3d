"""Prices of models: the list that is shipped, what overrides it, and what cached tokens cost."""

import re
from datetime import date

import pytest

from shared.domain.usage import Usage
from shared.runtime.config.model_prices import PRICE_LIST, Price, price_of, read_prices
from shared.runtime.config.settings import InvalidSettings


def test_the_price_list_is_dated_has_its_source_and_prices_the_default_model():
    assert date.fromisoformat(PRICE_LIST.as_of) > date(2026, 1, 1)
    assert re.match(r"https://\S+", PRICE_LIST.source)
    assert price_of(PRICE_LIST.default_model, PRICE_LIST.prices)


@pytest.mark.parametrize("model", PRICE_LIST.prices)
def test_a_shipped_price_is_plausible(model: str):
    price = PRICE_LIST.prices[model]
    assert price.cached_input is not None
    assert 0 < price.cached_input < price.input < price.output < 1_000


def test_cached_tokens_have_a_price_of_their_own():
    usage = Usage(1_000_000, 500_000, cached_tokens=400_000, reasoning_tokens=100_000)
    assert Price(2.0, 8.0, 0.5).of(usage) == pytest.approx(1.2 + 0.2 + 4.0)
    assert Price(2.0, 8.0).of(usage) == pytest.approx(2.0 + 4.0)


def test_a_setting_overrides_the_list_model_by_model():
    prices = read_prices('{"gpt-6-luna": {"input": 9, "output": 10}, "mine": {"input": 1, "output": 2}}')
    assert prices["gpt-6-luna"] == Price(9.0, 10.0)
    assert prices["mine"] == Price(1.0, 2.0)
    assert prices["gpt-6-sol"] == PRICE_LIST.prices["gpt-6-sol"]


def test_a_dated_name_costs_what_the_name_without_the_date_costs():
    assert price_of("gpt-5.4-mini-2026-03-17", PRICE_LIST.prices) == PRICE_LIST.prices["gpt-5.4-mini"]


@pytest.mark.parametrize("model", ["", "llama", "gpt-5.4-mini-fast", "gpt-5.4-mini-2026"])
def test_another_name_has_no_price(model: str):
    assert price_of(model, PRICE_LIST.prices) is None


@pytest.mark.parametrize("content", ["{", '{"m": 1}', '{"m": {"input": 1}}', '{"m": {"input": 1, "out": 2}}'])
def test_invalid_prices_name_the_variable(content: str):
    with pytest.raises(InvalidSettings, match=r"^ETUDE_MODEL_PRICES: "):
        read_prices(content)
