"""Where the command looks for Etude and for a token."""

from pathlib import Path

import pytest

from etude.cli.failure import ExitCode, Failure
from etude.cli.target import Target


def test_options_override_the_stack_file(tmp_path: Path):
    (tmp_path / "stack.json").write_text('{"url": "http://other"}')
    (tmp_path / "token").write_text("other")
    target = Target(data_dir=tmp_path, url="http://here/", token="mine")

    assert (target.find_url(), target.find_token()) == ("http://here", "mine")


def test_missing_options_come_from_the_stack_file(tmp_path: Path):
    (tmp_path / "stack.json").write_text('{"url": "http://127.0.0.1:8000", "redis_url": "r", "pid": 1}')
    (tmp_path / "token").write_text("mine\n")
    target = Target(data_dir=tmp_path)

    assert (target.find_url(), target.find_token()) == ("http://127.0.0.1:8000", "mine")


def test_without_a_stack_the_failure_says_how_to_start_one(tmp_path: Path):
    with pytest.raises(Failure, match="make run") as failure:
        Target(data_dir=tmp_path).find_url()

    assert failure.value.code is ExitCode.UNREACHABLE


def test_without_a_token_one_is_not_signed_in(tmp_path: Path):
    with pytest.raises(Failure, match="ETUDE_TOKEN") as failure:
        Target(data_dir=tmp_path).find_token()

    assert failure.value.code is ExitCode.NOT_SIGNED_IN


def test_a_broken_stack_file_is_named(tmp_path: Path):
    (tmp_path / "stack.json").write_text("{")

    with pytest.raises(Failure, match=r"stack\.json"):
        Target(data_dir=tmp_path).find_url()
