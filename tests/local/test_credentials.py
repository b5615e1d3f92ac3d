"""Keys, secret and token: made once, kept, private."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from local.credentials import TOKEN_LIFE, open_credentials
from local.data_dir import DataDir

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


def test_the_token_is_a_long_lived_one_for_the_developer(data: DataDir) -> None:
    credentials = open_credentials(data, now=NOW)
    claims = jwt.decode(
        credentials.token,
        credentials.public_key.read_bytes(),
        algorithms=["EdDSA"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["sub"], claims["plan"]) == ("dev", "pro")
    assert claims["exp"] == (NOW + TOKEN_LIFE).timestamp()
    assert data.token.read_text().strip() == credentials.token


def test_a_later_start_finds_what_the_first_one_made(data: DataDir) -> None:
    first = open_credentials(data, now=NOW)
    made = {
        path: path.read_bytes()
        for path in (data.private_key, data.public_key, data.internal_secret, data.token)
    }
    assert open_credentials(data, now=NOW + timedelta(days=100)) == first
    assert {path: path.read_bytes() for path in made} == made


@pytest.mark.parametrize("spoil", ["expired", "foreign", "garbage", "missing"])
def test_an_unusable_token_is_replaced(data: DataDir, spoil: str) -> None:
    first = open_credentials(data, now=NOW).token
    now = NOW + timedelta(seconds=1)
    match spoil:
        case "expired":
            now = NOW + TOKEN_LIFE
        case "foreign":
            data.private_key.unlink()
        case "garbage":
            data.token.write_bytes(b"\xff\xfe")
        case _:
            data.token.unlink()
    second = open_credentials(data, now=now).token
    assert second != first
    assert data.token.read_text().strip() == second


def test_only_its_owner_can_read_any_of_it(data: DataDir) -> None:
    open_credentials(data, now=NOW)
    files = [path for path in data.folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_token_is_not_in_its_repr(data: DataDir) -> None:
    credentials = open_credentials(data, now=NOW)
    assert credentials.token not in repr(credentials)
