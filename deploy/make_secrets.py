"""Makes the secrets of a fleet of containers: passwords, the key pair of the tokens, and the secret of gateway and chat.

    python make_secrets.py /run/etude

Each reader has a folder of its own (a volume in compose.yaml) and sees no other. A secret is made once, and an existing file
stays. Files that are derived from secrets, such as the URL of a store, are rewritten at each start.
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

from shared.adapters.redis.acl import ACCESS

READABLE = 0o440
"""Mode of a file: the owner reads it, and so do servers with accounts of their own, which are in the owner's group."""
FOLDER = 0o750
SERVICES = ("gateway", "chat", "ai-worker", "collection-worker", "cron")
"""Processes that use both stores. Each has a role of its own in Postgres and a user of its own in Redis."""
REDIS_USERS = {"admin": "~* &* +@all"} | {
    user: access.write_rules() for user, access in ACCESS.items() if user != "keda"
}
"""Redis user to its ACL rules. `admin` is for people, and reloads the file of the users."""
NOBODY = "user default off ~* &* +@all"
"""ACL of the user of a connection that has not authenticated. It is off, so it can run nothing, and yet it needs all
permissions: Redis replays its append-only file as this user, and silently drops commands that the user may not run."""


def make_secrets(root: Path) -> None:
    redis = {user: _keep_password(root / "redis" / f"{user}-password") for user in REDIS_USERS}
    postgres = {
        role: _keep_password(root / "postgres" / f"{role}-password")
        for role in ("superuser", "owner", *SERVICES, "operator")
    }
    internal_secret = _keep_password(root / "chat" / "internal-secret")
    _keep_password(root / "grafana" / "admin-password")
    private_key = _keep_key(root / "operator" / "keys" / "jwt-private.pem")

    _write(root / "redis" / "users.acl", _users(redis))
    _write(root / "postgres" / "superuser-url", _postgres_url("postgres", postgres["superuser"]))
    _write(root / "migration" / "postgres-url", _postgres_url("etude_owner", postgres["owner"]))
    for service in SERVICES:
        _write(root / service / "redis-url", _redis_url(service, redis[service]))
        _write(root / service / "postgres-url", _postgres_url(_role_of(service), postgres[service]))
    _write(root / "gateway" / "internal-secret", internal_secret)
    _write(root / "gateway" / "jwt-public.pem", _public_key(private_key))
    stack = {
        "url": "http://gateway:8000",
        "redis_url": _redis_url("operator", redis["operator"]),
        "postgres_url": _postgres_url(_role_of("operator"), postgres["operator"]),
    }
    _write(root / "operator" / "stack.json", json.dumps(stack))


def _users(passwords: dict[str, str]) -> str:
    lines = [
        f"user {name} on #{hashlib.sha256(passwords[name].encode()).hexdigest()} {rules}"
        for name, rules in REDIS_USERS.items()
    ]
    return "\n".join([NOBODY, *lines])


def _redis_url(user: str, password: str) -> str:
    return f"redis://{user}:{password}@redis:6379/0"


def _postgres_url(role: str, password: str) -> str:
    return f"postgresql://{role}:{password}@postgres:5432/etude"


def _role_of(service: str) -> str:
    """The name that `shared.adapters.postgres.roles` gives the role of a service."""
    return "etude_" + service.replace("-", "_")


def _public_key(private_key: str) -> str:
    key = load_pem_private_key(private_key.encode(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _keep_password(path: Path) -> str:
    return _keep(path, secrets.token_urlsafe(32))


def _keep_key(path: Path) -> str:
    key = Ed25519PrivateKey.generate()
    return _keep(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def _keep(path: Path, new: str) -> str:
    """Return the content of the file, after writing `new` to it if it is missing."""
    if not path.exists():
        _write(path, new)
    return path.read_text(encoding="ascii").strip()


def _write(path: Path, text: str) -> None:
    """Write the file atomically. It is at no moment readable by other users."""
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
