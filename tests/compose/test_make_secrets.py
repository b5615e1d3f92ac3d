"""What a fleet of containers starts with: made once, kept, each reader's apart. Needs no container."""

import hashlib
import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from tests.compose.fleet import ROOT
from tests.deadline import DEADLINE_SECONDS

from etude.cli.target import Target
from etude.cli.token_signing import sign_token
from shared.adapters.postgres.roles import SERVICES, role_of
from shared.adapters.redis.acl import ACCESS
from shared.runtime.cli.create_roles import read_passwords

REDIS_USERS = {"admin"} | ACCESS.keys() - {"keda"}
SCRIPT = ROOT / "deploy" / "make_secrets.py"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_secrets(tmp_path)
    return tmp_path


def make_secrets(root: Path) -> None:
    subprocess.run([sys.executable, str(SCRIPT), str(root)], check=True, timeout=DEADLINE_SECONDS)


def contents(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_second_start_changes_nothing(root: Path) -> None:
    first = contents(root)
    make_secrets(root)
    assert contents(root) == first


def test_no_two_fleets_share_a_secret(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    make_secrets(other)
    assert contents(root).keys() == contents(other).keys()
    assert set(contents(root).values()) & set(contents(other).values()) == set()


def test_missing_secrets_are_made_and_derived_files_follow(root: Path) -> None:
    (root / "redis" / "ai-worker-password").unlink()
    before = contents(root)
    gateway_url = (root / "gateway" / "postgres-url").read_text()
    (root / "gateway" / "postgres-url").unlink()
    make_secrets(root)
    after = contents(root)
    password = after["redis/ai-worker-password"].strip()
    assert after["ai-worker/redis-url"].strip() == f"redis://ai-worker:{password}@redis:6379/0"
    assert hashlib.sha256(password.encode()).hexdigest() in after["redis/users.acl"]
    assert after["gateway/postgres-url"] == gateway_url
    assert after["operator/keys/jwt-private.pem"] == before["operator/keys/jwt-private.pem"]


def test_an_interrupted_start_is_completed(root: Path) -> None:
    kept = contents(root)
    (root / "gateway" / "redis-url").unlink()
    (root / "gateway" / "redis-url.draft").write_text("redis://serv")
    make_secrets(root)
    assert contents(root) == kept


def test_secrets_are_readable_only_by_owner_and_group(root: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
    assert modes == {0o440}
    assert stat.S_IMODE((root / "operator" / "keys").stat().st_mode) == 0o750


def test_the_gateway_can_check_what_an_operator_signs(root: Path) -> None:
    target = Target(data_dir=root / "operator")
    key = target.data_dir / "keys" / "jwt-private.pem"
    token = sign_token(key, user="ada", plan="pro", now=NOW, ttl=timedelta(hours=1))
    public_key = (root / "gateway" / "jwt-public.pem").read_text()
    claims = jwt.decode(
        token, public_key, algorithms=["EdDSA"], options={"verify_exp": False, "verify_iat": False}
    )
    assert (claims["sub"], claims["plan"]) == ("ada", "pro")
    assert target.find_stack().redis_url.startswith("redis://operator:")


def test_redis_gets_only_hashes_and_requires_a_password(root: Path) -> None:
    users = (root / "redis" / "users.acl").read_text()
    passwords = [path.read_text().strip() for path in (root / "redis").glob("*-password")]
    assert len(passwords) == len(REDIS_USERS)
    assert [password for password in passwords if password in users] == []
    assert "nopass" not in users
    # off, but allowed everything: the append-only file is read as this user
    assert users.splitlines()[0] == "user default off ~* &* +@all"


def test_the_stack_file_has_all_that_an_operator_needs(root: Path) -> None:
    stack = json.loads((root / "operator" / "stack.json").read_text())
    assert stack["url"] == "http://gateway:8000"
    assert stack["postgres_url"].startswith("postgresql://etude_operator:")


def test_each_service_is_given_the_url_of_its_own_role_and_a_file_to_create_it_from(root: Path) -> None:
    passwords = read_passwords(root / "postgres")
    assert set(passwords) == set(SERVICES)
    for service in set(SERVICES) - {"operator"}:
        url = (root / service / "postgres-url").read_text().strip()
        assert url == f"postgresql://{role_of(service)}:{passwords[service]}@postgres:5432/etude"


def test_each_service_is_given_the_url_of_its_own_user_who_may_do_what_it_needs(root: Path) -> None:
    lines = (root / "redis" / "users.acl").read_text().splitlines()
    for user in REDIS_USERS - {"admin"}:
        password = (root / "redis" / f"{user}-password").read_text().strip()
        digest = hashlib.sha256(password.encode()).hexdigest()
        assert f"user {user} on #{digest} {ACCESS[user].write_rules()}" in lines
        if user not in ("operator", "probe"):
            url = (root / user / "redis-url").read_text().strip()
            assert url == f"redis://{user}:{password}@redis:6379/0"
    assert len(lines) == 1 + len(REDIS_USERS)
