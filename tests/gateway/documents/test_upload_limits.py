"""What documents may cost a process: a user's own part, and that of all users."""

import pytest

from gateway.documents.upload_limits import (
    MAX_BYTES,
    MAX_UPLOADS,
    MAX_USER_BYTES,
    READING_SECONDS,
    OpenUploads,
    ReadingTime,
)
from shared.domain.errors import Overloaded, TooManyUploads, TooMuchReading


def test_the_bytes_of_a_user_are_bounded_and_given_back():
    uploads = OpenUploads()
    with uploads.open("eve") as receive:
        receive(MAX_USER_BYTES)
        with pytest.raises(TooManyUploads), uploads.open("eve") as receive_more:
            receive_more(1)
        with uploads.open("ada") as receive_hers:
            receive_hers(MAX_USER_BYTES)
    with uploads.open("eve") as receive:
        receive(MAX_USER_BYTES)


def test_the_bytes_of_all_users_are_bounded():
    uploads = OpenUploads()
    with uploads.open("a") as first, uploads.open("b") as second, uploads.open("c") as third:
        first(MAX_BYTES // 2)
        second(MAX_BYTES - MAX_BYTES // 2)
        with pytest.raises(Overloaded) as refusal:
            third(1)
    assert refusal.value.problem.retry_after


def test_the_uploads_of_all_users_are_bounded():
    uploads = OpenUploads()
    opened = [uploads.open(f"user-{number}") for number in range(MAX_UPLOADS)]
    for one in opened:
        one.__enter__()
    with pytest.raises(Overloaded), uploads.open("ada"):
        pass
    opened[0].__exit__(None, None, None)
    with uploads.open("ada"):
        pass


def test_the_reading_of_a_user_s_documents_is_bounded_by_the_minute():
    now = 60.0
    time = ReadingTime(lambda: now)
    time.add("eve", READING_SECONDS)
    with pytest.raises(TooMuchReading) as refusal:
        time.require("eve")
    assert refusal.value.problem.retry_after == 60
    time.require("ada")
    now = 120.0
    time.require("eve")
