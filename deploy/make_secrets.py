"""Makes what a fleet of containers starts with: passwords, the key pair of the tokens, what gateway and chat share.

    python make_secrets.py /run/etude

Each reader has a folder (in compose.yaml a volume) of its own, and sees no other. What is secret is made once: where there is
a file already, it stays. What follows from it, such as the URL of a store, is written anew at each start.
"""

import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

READABLE = 0o440
"""By its owner, and by servers with accounts of their own, which are given the owner's group."""
FOLDER = 0o750
REDIS_USERS = {
    # INFO is what the exporter tells of; CONFIG GET is how a Redis that may lose jobs is noticed
    "service": "~* &* +@all -@dangerous +info +config|get",
    "probe": "resetchannels +ping",
    "operator": "~* &* +@all",
}
"""What each may do."""
NOBODY = "user default off ~* &* +@all"
"""Who a connection is until it gives a password: switched off, so it may do nothing. But the server reads its append-only
file as this user, and would drop what the user may not do, without an error."""


def make_secrets(root: Path) -> None:
    redis = {user: _keep_password(root / "redis" / f"{user}-password") for user in REDIS_USERS}
    postgres = {
        role: _keep_password(root / "postgres" / f"{role}-password")
        for role in ("superuser", "owner", "service")
    }
    internal_secret = _keep_password(root / "chat" / "internal-secret")
    _keep_password(root / "grafana" / "admin-password")
    private_key = _keep_key(root / "operator" / "keys" / "jwt-private.pem")

    redis_url = f"redis://service:{redis['service']}@redis:6379/0"
    _write(root / "redis" / "users.acl", _users(redis))
    _write(root / "migration" / "postgres-url", _postgres_url("owner", postgres["owner"]))
    for reader in ("gateway", "chat", "worker"):
        _write(root / reader / "redis-url", redis_url)
        _write(root / reader / "postgres-url", _postgres_url("service", postgres["service"]))
    _write(root / "gateway" / "internal-secret", internal_secret)
    _write(root / "gateway" / "jwt-public.pem", _public_key(private_key))
    stack = {"url": "http://gateway:8000", "redis_url": redis_url}
    _write(root / "operator" / "stack.json", json.dumps(stack))


def _users(passwords: dict[str, str]) -> str:
    lines = [
        f"user {name} on #{hashlib.sha256(passwords[name].encode()).hexdigest()} {rules}"
        for name, rules in REDIS_USERS.items()
    ]
    return "\n".join([NOBODY, *lines])


def _postgres_url(role: str, password: str) -> str:
    return f"postgresql://etude_{role}:{password}@postgres:5432/etude"


def _public_key(private_key: str) -> str:
    key = load_pem_private_key(private_key.encode(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _keep_password(path: Path) -> str:
    return _keep(path, secrets.token_urlsafe(32))


def _keep_key(path: Path) -> str:
    key = Ed25519PrivateKey.generate()
    return _keep(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def _keep(path: Path, new: str) -> str:
    """What the file holds; `new`, if there is none."""
    if not path.exists():
        _write(path, new)
    return path.read_text(encoding="ascii").strip()


def _write(path: Path, text: str) -> None:
    """All of it or nothing, and never readable for others, not even for a moment."""
    path.parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READABLE), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


if __name__ == "__main__":
    make_secrets(Path(sys.argv[1]))
