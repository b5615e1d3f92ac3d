"""Signs tokens with the private key of a stack: an operator or a developer can act as any user."""

from datetime import datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from etude.cli.failure import ExitCode, Failure


def sign_token(key_file: Path, *, user: str, plan: str, now: datetime, ttl: timedelta) -> str:
    """A JWT (EdDSA) that a gateway with the matching public key accepts until `now + ttl`."""
    claims = {"sub": user, "plan": plan, "iat": now, "exp": now + ttl}
    return jwt.encode(claims, _read_key(key_file), algorithm="EdDSA")


def _read_key(key_file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except OSError as error:
        raise Failure(
            ExitCode.USAGE,
            f"the private key {key_file} cannot be read ({error.strerror}): start the local stack once, or give --key",
        ) from None
    except (ValueError, TypeError):
        raise Failure(ExitCode.USAGE, f"{key_file} is not an unencrypted PEM private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Failure(ExitCode.USAGE, f"{key_file} is not an Ed25519 key")
    return key
