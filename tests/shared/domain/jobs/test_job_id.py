"""Job ids."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.jobs.job_id import RANDOM_BYTES, is_job_id, new_job_id

times = st.integers(min_value=0, max_value=2**48 - 1)
noise = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(now_ms=times, random_bytes=noise)
def test_an_id_is_a_uuid_of_version_7_that_holds_its_time(now_ms: int, random_bytes: bytes) -> None:
    made = uuid.UUID(new_job_id(now_ms, random_bytes))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == now_ms


@given(earlier=times, later=times, one=noise, other=noise)
def test_ids_sort_by_time_as_text(earlier: int, later: int, one: bytes, other: bytes) -> None:
    if earlier < later:
        assert new_job_id(earlier, one) < new_job_id(later, other)


@given(bit=st.integers(min_value=0, max_value=73))
def test_each_of_the_74_random_bits_changes_the_id(bit: int) -> None:
    assert new_job_id(0, (1 << bit).to_bytes(RANDOM_BYTES)) != new_job_id(0, bytes(RANDOM_BYTES))


@pytest.mark.parametrize("count", [0, 9, 11])
def test_a_wrong_number_of_random_bytes_raises(count: int) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        new_job_id(0, bytes(count))


@given(now_ms=times, random_bytes=noise)
def test_new_ids_are_job_ids(now_ms: int, random_bytes: bytes) -> None:
    assert is_job_id(new_job_id(now_ms, random_bytes))


@pytest.mark.parametrize(
    "text", ["", "42", "{" + "0" * 32 + "}", "0" * 32, "0196F2D2-0000-7000-8000-000000000000"]
)
def test_other_spellings_of_a_uuid_are_not_job_ids(text: str) -> None:
    assert not is_job_id(text)
