"""Token counts as servers report them: the parts of a usage, in every shape, and never more than the whole."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.llm.openai.reading.reported_usage import CallBounds, CheckedUsage, check_usage
from shared.domain.usage import Usage

OURS = Usage(90, 12)
CHAT = {"prompt_tokens": 500, "completion_tokens": 40}
RESPONSES = {"input_tokens": 500, "output_tokens": 40}


def check(reported: object) -> CheckedUsage:
    bounds = CallBounds(count=lambda: OURS, max_prompt_tokens=1_000, max_completion_tokens=100)
    return check_usage(reported, bounds)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({**CHAT, "prompt_tokens_details": {"cached_tokens": 384, "audio_tokens": 0}}, Usage(500, 40, 384)),
        ({**CHAT, "completion_tokens_details": {"reasoning_tokens": 32}}, Usage(500, 40, 0, 32)),
        (
            {
                **RESPONSES,
                "input_tokens_details": {"cached_tokens": 384},
                "output_tokens_details": {"reasoning_tokens": 32},
            },
            Usage(500, 40, 384, 32),
        ),
        ({**CHAT, "prompt_cache_hit_tokens": 384, "prompt_cache_miss_tokens": 116}, Usage(500, 40, 384)),
        ({**CHAT, "cache_read_input_tokens": 384, "cache_creation_input_tokens": 9}, Usage(500, 40, 384)),
        ({**CHAT, "cached_tokens": 384}, Usage(500, 40, 384)),
        ({**CHAT, "reasoning_tokens": 32, "prompt_tokens_details": None}, Usage(500, 40, 0, 32)),
        ({**CHAT, "cached_tokens": 384, "prompt_tokens_details": {"cached_tokens": 0}}, Usage(500, 40, 384)),
        ({**CHAT, "prompt_tokens_details": {"cached_tokens": "384"}}, Usage(500, 40, 384)),
        ({**CHAT, "prompt_tokens_details": [384], "completion_tokens_details": "32"}, Usage(500, 40)),
        ({**CHAT, "prompt_tokens_details": {"cached_tokens": True}}, Usage(500, 40)),
    ],
)
def test_the_parts_are_read_in_every_shape(reported: object, expected: Usage):
    assert check(reported) == CheckedUsage(expected, is_corrected=False)


def test_tokens_beside_anthropics_input_tokens_belong_to_the_prompt():
    beside = {"cache_read_input_tokens": 384, "cache_creation_input_tokens": 100}
    assert check({"input_tokens": 16, "output_tokens": 40, **beside}).usage == Usage(500, 40, 384)


@pytest.mark.parametrize(
    ("completion", "details", "expected"),
    [
        (40, {}, Usage(500, 60, 0, 20)),
        (40, {"completion_tokens_details": {"reasoning_tokens": 20}}, Usage(500, 60, 0, 20)),
        (60, {"completion_tokens_details": {"reasoning_tokens": 20}}, Usage(500, 60, 0, 20)),
        (60, {}, Usage(500, 60)),
    ],
)
def test_thinking_that_only_the_total_counts_is_reasoning(
    completion: int, details: dict[str, Any], expected: Usage
):
    reported = {"prompt_tokens": 500, "completion_tokens": completion, "total_tokens": 560, **details}
    assert check(reported).usage == expected


@pytest.mark.parametrize(
    "details",
    [
        {"prompt_tokens_details": {"cached_tokens": 501}},
        {"prompt_tokens_details": {"cached_tokens": -1}},
        {"completion_tokens_details": {"reasoning_tokens": 41}},
        {"completion_tokens_details": {"reasoning_tokens": -(10**19)}},
    ],
)
def test_an_impossible_part_is_left_out_and_counted_as_corrected(details: dict[str, Any]):
    assert check({**CHAT, **details}) == CheckedUsage(Usage(500, 40), is_corrected=True)


def test_parts_of_an_impossible_whole_are_left_out():
    details = {
        "prompt_tokens_details": {"cached_tokens": 50},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    reported = {"prompt_tokens": 10**19, "completion_tokens": -3, **details}
    assert check(reported) == CheckedUsage(OURS, is_corrected=True)


NUMBERS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens", "total_tokens"),
            *("cached_tokens", "reasoning_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
            *("prompt_tokens_details", "completion_tokens_details", "prompt_cache_hit_tokens"),
        ]
    ),
    NUMBERS | st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens"]), NUMBERS),
)


@given(reported=FIELDS)
def test_whatever_is_reported_the_usage_is_one_that_the_call_can_have_had(reported: dict[str, Any]):
    usage = check(reported).usage
    assert 0 < usage.prompt_tokens <= 1_000
    assert 0 <= usage.completion_tokens <= 100
    assert 0 <= usage.cached_tokens <= usage.prompt_tokens
    assert 0 <= usage.reasoning_tokens <= usage.completion_tokens
