"""One error decides when several happened."""

import itertools

import pytest

from shared.domain.decisive_error import leaves, most_hopeful, most_severe
from shared.domain.errors import LeaseLost, StoreUnavailable
from shared.domain.provider_errors import ProviderBusy, ProviderError, ProviderOutOfCredit, ProviderRefused

LOST, BUG, REFUSED, BUSY = LeaseLost(), KeyError(), ProviderRefused(), ProviderBusy()
UNCOUNTED = ProviderBusy(is_counted=False)


@pytest.mark.parametrize(
    ("milder", "severer"), list(itertools.pairwise([UNCOUNTED, BUSY, REFUSED, BUG, LOST]))
)
def test_the_most_severe_error_is_chosen_in_any_order(milder: Exception, severer: Exception):
    assert most_severe([milder, severer]) is most_severe([severer, milder]) is severer


@pytest.mark.parametrize("errors", [[BUSY, StoreUnavailable()], [StoreUnavailable(), BUSY]])
def test_of_equally_severe_errors_the_first_is_chosen(errors: list[Exception]):
    assert most_severe(errors) is errors[0]


def test_errors_inside_nested_groups_count():
    group = ExceptionGroup("outer", [BUSY, ExceptionGroup("inner", [REFUSED, LOST])])

    assert list(leaves(group)) == [BUSY, REFUSED, LOST]
    assert list(leaves(BUSY)) == [BUSY]


@pytest.mark.parametrize(
    ("errors", "decisive"),
    [
        ([ProviderOutOfCredit(), BUSY], 1),
        ([BUSY, ProviderOutOfCredit()], 0),
        ([ProviderOutOfCredit(), ProviderRefused()], 0),
    ],
)
def test_a_retryable_error_is_the_most_hopeful(errors: list[ProviderError], decisive: int):
    assert most_hopeful(errors) is errors[decisive]
