"""The ladder as a value: what a refusal leaves out, and what an operator may set."""

import pytest

from shared.adapters.llm.openai.ladder.abilities import (
    COMPATIBLE,
    OPENAI,
    PLAINEST,
    Abilities,
    InvalidFeatures,
    LimitField,
    StructuredOutput,
    descend,
    parse_features,
    plainest,
    with_changes,
)


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ("strict", StructuredOutput.SCHEMA),
        ("json_schema", StructuredOutput.OBJECT),
        ("response_format", StructuredOutput.PROMPT),
    ],
)
def test_a_refusal_skips_the_steps_that_would_be_refused_too(
    refused: str, expected: StructuredOutput
) -> None:
    assert descend(OPENAI, refused) == Abilities(structured_output=expected)


@pytest.mark.parametrize(
    "refused", ["response_format", "json_schema", "strict", "stream_options", "unheard_of"]
)
def test_below_the_foot_of_the_ladder_there_is_nothing(refused: str) -> None:
    assert descend(PLAINEST, refused) is None


def test_each_limit_field_leads_to_the_other_once() -> None:
    other = Abilities(limit_field=LimitField.OUTPUT)
    assert descend(OPENAI, "max_completion_tokens") == other
    settled = descend(other, "max_tokens")
    assert settled is not None
    assert settled == OPENAI.without_field("max_tokens")
    assert descend(settled, "max_completion_tokens") is None
    assert descend(OPENAI, "max_tokens") is None


def test_the_foot_keeps_the_limits_that_are_known() -> None:
    foot = plainest(Abilities(window=4_096, max_output=500))
    assert foot is not None
    assert (foot.window, foot.max_output) == (4_096, 500)
    assert plainest(foot) is None


def test_the_foot_sends_no_limit_field_that_was_refused() -> None:
    foot = plainest(OPENAI.without_field("max_tokens"))
    assert foot is not None
    assert foot.limit_field is LimitField.COMPLETION
    assert plainest(foot) is None


def test_two_calls_that_learned_different_things_both_count() -> None:
    one = descend(COMPATIBLE, "json_schema")
    other = descend(COMPATIBLE, "stream_options")
    assert one is not None
    assert other is not None
    both = with_changes(one, COMPATIBLE, other)
    assert both.structured_output is StructuredOutput.OBJECT
    assert both.without == COMPATIBLE.without | {"stream_options"}


def test_settings_are_read_by_name() -> None:
    text = "structured_output=json_object, limit_field=max_tokens, without=store stream_options, window=4096"
    assert parse_features(text) == {
        "structured_output": StructuredOutput.OBJECT,
        "limit_field": LimitField.OUTPUT,
        "without": frozenset({"store", "stream_options"}),
        "window": 4_096,
    }
    assert parse_features(" ") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("json_object", "'json_object' is not name=value"),
        ("color=red", "'color' is none of"),
        ("structured_output=telepathy", "telepathy"),
        ("window=wide", "window"),
        ("without=model", "'model' is none of stream_options"),
    ],
)
def test_a_bad_setting_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InvalidFeatures, match=message):
        parse_features(text)
