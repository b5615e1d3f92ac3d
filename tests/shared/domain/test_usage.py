"""Token usage: its sum, its cap, and its bytes."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.usage import Usage, consistent_usage

counts = st.integers(0, 400_000)


def test_a_sum_adds_every_count():
    assert Usage(10, 5, 3, 2) + Usage(1, 1, 1, 1) == Usage(11, 6, 4, 3)


def test_the_total_counts_no_token_twice():
    assert Usage(10, 5, 3, 2).total == 15


def test_a_cut_usage_keeps_the_shares_of_its_counts():
    assert Usage(10, 8, 9, 7).at_most(12) == Usage(6, 6, 6, 4)
    assert Usage(10, 8, 9, 7).at_most(4) == Usage(2, 2, 2, 1)
    assert Usage(10, 8, 9, 7).at_most(18) == Usage(10, 8, 9, 7)
    assert Usage(10, 8, 9, 7).at_most(-1) == Usage()


@given(counts, counts, counts, counts, counts)
def test_a_cut_usage_adds_up_to_what_is_charged(
    prompt: int, completion: int, cached: int, reasoning: int, tokens: int
):
    usage = consistent_usage(prompt, completion, cached, reasoning)
    cut = usage.at_most(tokens)
    assert cut.total == min(usage.total, tokens)
    assert cut.cached_tokens <= cut.prompt_tokens <= usage.prompt_tokens
    assert cut.reasoning_tokens <= cut.completion_tokens <= usage.completion_tokens


def test_counts_of_an_older_release_make_no_part_larger_than_its_whole():
    assert consistent_usage(4, 2, 9, 7) == Usage(4, 2, 4, 2)


def test_only_the_parts_are_left_out_when_they_are_zero():
    assert msgspec.json.encode(Usage()) == b'{"prompt_tokens":0,"completion_tokens":0}'
    assert msgspec.json.decode(msgspec.json.encode(Usage(1, 2, 1, 2)), type=Usage) == Usage(1, 2, 1, 2)
