"""The header that says what made a response is a dictionary of structured fields, whatever a model is called."""

import pytest

from shared.runtime.http.ai_disclosure import disclosure_headers


@pytest.mark.parametrize(
    ("model", "value"),
    [
        ("gpt-5.4-mini", 'mode=machine-generated, model="gpt-5.4-mini", provider="openai"'),
        ('a "b" \\c', 'mode=machine-generated, model="a \\"b\\" \\\\c", provider="openai"'),
        ("modèle\r\nX-Other: 1", 'mode=machine-generated, model="mod?le??X-Other: 1", provider="openai"'),
        ("", 'mode=machine-generated, provider="openai"'),
    ],
)
def test_the_model_is_a_string_of_structured_fields(model: str, value: str):
    assert disclosure_headers("openai", model) == {"AI-Disclosure": value}


def test_what_was_not_made_yet_has_no_header():
    assert disclosure_headers("", "") == {}
