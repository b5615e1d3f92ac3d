"""Keys, the internal secret and the development token: made at the first start and kept in the data folder, mode 0600."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Struct

from local.data_dir import DataDir, write_private

DEVELOPER = "dev"
PLAN = "pro"
TOKEN_LIFE = timedelta(days=365)
"""A token with less than a tenth of this left is replaced at the next start."""


class Credentials(Struct, frozen=True):
    """What the services and the developer authenticate with."""

    public_key: Path
    internal_secret: Path
    token: str

    def __repr__(self) -> str:
        return "Credentials(…)"


def open_credentials(data: DataDir, *, now: datetime) -> Credentials:
    """The credentials of an earlier start; missing ones are made."""
    if not data.private_key.exists() or not data.public_key.exists():
        _make_keys(data)
    if not data.internal_secret.exists():
        write_private(data.internal_secret, secrets.token_urlsafe(32).encode())
    token = _kept_token(data, now)
    if token is None:
        token = _sign(data, now)
        write_private(data.token, token.encode() + b"\n")
    return Credentials(data.public_key, data.internal_secret, token)


def _make_keys(data: DataDir) -> None:
    key = Ed25519PrivateKey.generate()
    write_private(data.private_key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_private(
        data.public_key, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


def _sign(data: DataDir, now: datetime) -> str:
    claims = {"sub": DEVELOPER, "plan": PLAN, "iat": now, "exp": now + TOKEN_LIFE}
    return jwt.encode(claims, data.private_key.read_bytes(), algorithm="EdDSA")


def _kept_token(data: DataDir, now: datetime) -> str | None:
    try:
        token = data.token.read_text(encoding="ascii").strip()
        claims = jwt.decode(
            token,
            data.public_key.read_bytes(),
            algorithms=["EdDSA"],
            options={"verify_exp": False, "verify_iat": False},
        )
        expires = float(claims["exp"])
    except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError):
        return None
    return token if expires > (now + TOKEN_LIFE / 10).timestamp() else None
