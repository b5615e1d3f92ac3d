"""Signing tokens with a stack's private key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from etude.cli.failure import ExitCode, Failure
from etude.cli.token_signing import sign_token

NOW = datetime.now(UTC).replace(microsecond=0)


def write_key(path: Path, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def test_a_token_names_its_user_its_plan_and_its_end(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    file = write_key(tmp_path / "key.pem", key)

    token = sign_token(file, user="ada", plan="pro", now=NOW, ttl=timedelta(hours=2))

    claims = jwt.decode(token, key.public_key(), algorithms=["EdDSA"])
    assert (claims["sub"], claims["plan"]) == ("ada", "pro")
    assert claims["exp"] == (NOW + timedelta(hours=2)).timestamp()


@pytest.mark.parametrize("content", [None, "not a key"])
def test_an_unusable_key_file_is_named(tmp_path: Path, content: str | None):
    file = tmp_path / "key.pem"
    if content:
        file.write_text(content)

    with pytest.raises(Failure, match=r"key\.pem") as failure:
        sign_token(file, user="ada", plan="pro", now=NOW, ttl=timedelta(hours=1))

    assert failure.value.code is ExitCode.USAGE


def test_a_key_of_another_kind_is_refused(tmp_path: Path):
    file = write_key(tmp_path / "key.pem", ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(Failure, match="Ed25519"):
        sign_token(file, user="ada", plan="pro", now=NOW, ttl=timedelta(hours=1))
