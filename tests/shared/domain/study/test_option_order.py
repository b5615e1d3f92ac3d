"""Numbers are shown in order, and nothing else tells where the right option is."""

from collections import Counter

import pytest

from shared.domain.study.option_order import order_options


@pytest.mark.parametrize(
    "options",
    [
        ["1848", "1789", "1830", "1871"],
        ["2 km", "500 km", "40 km"],
        ["30 000", "60 000", "2 000"],
        ["−5 °C", "10 °C", "−20 °C"],
        ["21 %", "3 %", "0,5 %"],
        ["6 June 1944", "8 May 1945", "1 September 1939"],
        ["le 14 juillet 1789", "le 4 août 1789", "le 10 août 1792"],
    ],
)
def test_numbers_of_one_unit_rise_whatever_the_seed(options: list[str]):
    orders = {tuple(order_options(options, seed)) for seed in range(20)}
    assert len(orders) == 1


def test_the_smallest_number_comes_first():
    shown = [["1848", "1789", "1830"][index] for index in order_options(["1848", "1789", "1830"], seed=3)]
    assert shown == ["1789", "1830", "1848"]
    days = ["6 June 1944", "8 May 1945", "1 September 1939", "7 June 1944"]
    assert order_options(days, seed=3) == [2, 0, 3, 1]


@pytest.mark.parametrize(
    "options",
    [
        ["Paris", "Rome", "Lyon"],
        ["2 km", "3 hours", "5 kg"],
        ["Louis XIV", "Louis XV", "Henri IV"],
        ["60 députés", "1 préfet", "10 électeurs"],
    ],
)
def test_other_options_are_shuffled_evenly(options: list[str]):
    first = Counter(order_options(options, seed)[0] for seed in range(3_000))
    assert sum(first.values()) == 3_000
    assert min(first.values()) > 900
