"""The model that a payload names, read without decoding its text."""

import pytest

from shared.domain.jobs.payload import AiInput, encode_input, requested_model
from shared.domain.study.material import Options


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (encode_input(AiInput(text="Water.", options=Options(model="large"))), "large"),
        (encode_input(AiInput(text="Water.")), ""),
        (encode_input(AiInput(text="Water.", options=Options(flashcards=3))), ""),
        (b'{"text":"a","options":{"model":null}}', ""),
        (b"not JSON", ""),
        (b"", ""),
        (b"[]", ""),
    ],
)
def test_the_requested_model(payload: bytes, expected: str):
    assert requested_model(payload) == expected
