"""Who is let in, and as whom."""

import asyncio
import base64
import hashlib
import hmac
import json
import math
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm
from tests.gateway.desk import PLANS, PRIVATE_KEY, PUBLIC_PEM, Desk

from gateway.auth.authenticator import CACHE_SECONDS, ApiKey, Authenticator, read_api_keys
from gateway.auth.signing_keys import MAX_AGE_SECONDS, REFETCH_SECONDS, LocalKey, PublishedKeys
from shared.domain.errors import NotAuthenticated, Unavailable
from shared.runtime.config.settings import InvalidSettings

NOW = 1_795_000_000.0
API_KEY = "etk_0123456789abcdef"
API_KEYS = {hashlib.sha256(API_KEY.encode()).hexdigest(): ApiKey(user="robot", plan="small")}


BAD_TIMES: list[Any] = [
    *("soon", "inf", "NaN", "9" * 400, "", None, True, [NOW], {"at": NOW}),
    *(float("nan"), float("inf"), -float("inf"), NOW + 60.5, 1e300),
    *(-1, int("9" * 400), 253_402_300_800),
]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def sign(
    key: Any = PRIVATE_KEY, algorithm: str = "EdDSA", headers: dict[str, Any] | None = None, **claims: Any
) -> str:
    return jwt.encode({"sub": "ada", "exp": NOW + 60, **claims}, key, algorithm=algorithm, headers=headers)


def pem_of(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def make_authenticator(pem: str = PUBLIC_PEM, *, clock: Any = None, **options: Any) -> Authenticator:
    return Authenticator(LocalKey(pem), API_KEYS, PLANS, clock=clock or Clock(), **options)


async def admit(token: str, **options: Any):
    return await make_authenticator(**options).authenticate(f"Bearer {token}")


async def test_a_signed_token_names_the_user_and_the_plan():
    caller = await admit(sign(sub="auth0|5f7c", plan="small"))
    assert (caller.user, caller.plan_name, caller.plan) == ("auth0|5f7c", "small", PLANS["small"])


@pytest.mark.parametrize("claims", [{}, {"plan": "gold"}, {"plan": 7}, {"plan": None}])
async def test_a_user_without_a_known_plan_gets_the_default_plan(claims: dict[str, Any]):
    assert (await admit(sign(**claims))).plan_name == "free"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
    ],
)
async def test_every_kind_of_key_is_accepted(key: Any, algorithm: str):
    assert (await admit(sign(key, algorithm), pem=pem_of(key))).user == "ada"


def forge_with_public_key() -> str:
    """The classic: an HMAC under the bytes of the public key."""
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "ada", "exp": NOW + 60})
    )
    mac = hmac.digest(PUBLIC_PEM.encode(), head + b"." + body, "sha256")
    return b".".join((head, body, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()


def unsigned() -> str:
    return jwt.encode({"sub": "ada", "exp": NOW + 60}, "", algorithm="none")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "ey.ey.ey",
        "é",
        unsigned(),
        forge_with_public_key(),
        sign(Ed25519PrivateKey.generate()),
        sign(exp=NOW - 60),
        sign(nbf=NOW + 60),
        sign(exp="soon"),
        sign(nbf="now"),
        jwt.encode({"sub": "ada"}, PRIVATE_KEY, algorithm="EdDSA"),
        jwt.encode({"exp": NOW + 60}, PRIVATE_KEY, algorithm="EdDSA"),
        sign(iss="them"),
        sign(aud="others"),
        "etk_unknown",
        "etk_",
    ],
)
async def test_an_invalid_token_is_refused(token: str):
    with pytest.raises(NotAuthenticated):
        await admit(token, issuer="us", audience="etude")


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", BAD_TIMES)
async def test_a_time_that_is_no_whole_number_of_seconds_is_refused(claim: str, value: Any):
    with pytest.raises(NotAuthenticated):
        await admit(sign(**{claim: value}))


async def test_a_deeply_nested_token_is_refused():
    deep = base64.urlsafe_b64encode(b"[" * 20_000).decode().rstrip("=")
    with pytest.raises(NotAuthenticated):
        await admit(f"{deep}.{deep}.{deep}")


async def test_a_caller_knows_when_the_token_expires():
    assert (await admit(sign())).expires_at == NOW + 60
    assert (await admit(API_KEY)).expires_at == math.inf


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Token x", "Bearer  "])
async def test_another_authentication_scheme_is_refused(header: str):
    with pytest.raises(NotAuthenticated):
        await make_authenticator().authenticate(header)


async def test_issuer_and_audience_are_checked_when_they_are_set():
    token = sign(iss="us", aud=["etude", "others"])
    assert (await admit(token, issuer="us", audience="etude")).user == "ada"
    assert (await admit(token)).user == "ada"


@pytest.mark.parametrize(
    "user", ["", "a b", "a:b", "{s0}", "a}", "a\n", "a\0", "é", "x" * 129, "a*b", '"', "a,b"]
)
async def test_a_user_with_characters_of_a_redis_key_is_refused(user: str):
    with pytest.raises(NotAuthenticated):
        await admit(sign(sub=user))


async def test_an_api_key_names_the_user_and_the_plan():
    caller = await admit(API_KEY)
    assert (caller.user, caller.plan_name) == ("robot", "small")


async def test_a_verified_token_is_not_verified_again_until_it_expires():
    clock = Clock()
    keys = CountedKeys()
    authenticator = Authenticator(keys, {}, PLANS, clock=clock)
    token = f"Bearer {sign(exp=NOW + 60)}"
    await authenticator.authenticate(token)
    await authenticator.authenticate(token)
    assert keys.asked == 1

    clock.now = NOW + 75
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(token)


async def test_a_long_lived_token_is_verified_again_after_the_cache_time():
    clock = Clock()
    keys = CountedKeys()
    authenticator = Authenticator(keys, {}, PLANS, clock=clock)
    token = f"Bearer {sign(exp=NOW + 1e8)}"
    await authenticator.authenticate(token)
    clock.now += CACHE_SECONDS + 1
    await authenticator.authenticate(token)
    assert keys.asked == 2


class CountedKeys(LocalKey):
    def __init__(self) -> None:
        super().__init__(PUBLIC_PEM)
        self.asked = 0

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        self.asked += 1
        return await super().find(key_id)


# -- published keys ---------------------------------------------------------------------------------------------------


class Issuer:
    """Publishes keys; may be away."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {"k1": Ed25519PrivateKey.generate()}
        self.status = 200
        self.fetched = 0
        self.clock = Clock()
        self.answers = asyncio.Event()
        self.answers.set()

    def sign(self, name: str = "k1", **claims: Any) -> str:
        return f"Bearer {sign(self.keys[name], headers={'kid': name}, **claims)}"

    async def answer(self, _: httpx.Request) -> httpx.Response:
        self.fetched += 1
        await self.answers.wait()
        published = [
            {**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "alg": "EdDSA"}
            for name, key in self.keys.items()
        ]
        return httpx.Response(self.status, json={"keys": [{"kty": "oct", "k": "AA"}, *published]})

    def authenticator(self) -> Authenticator:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        keys = PublishedKeys("https://issuer.test/keys", http, monotonic=self.clock)
        return Authenticator(keys, {}, PLANS, clock=lambda: NOW)


async def test_concurrent_requests_fetch_the_published_keys_once():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    tokens = [issuer.sign(sub=f"user-{n}") for n in range(20)]

    callers = await asyncio.gather(*(authenticator.authenticate(token) for token in tokens))

    assert (len(callers), issuer.fetched) == (20, 1)


async def test_a_new_key_is_fetched_for_its_first_token():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.sign())
    issuer.keys["k2"] = Ed25519PrivateKey.generate()
    issuer.clock.now += REFETCH_SECONDS

    assert (await authenticator.authenticate(issuer.sign("k2"))).user == "ada"


async def test_a_new_key_is_known_five_seconds_after_the_last_fetch():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(f"Bearer {sign(headers={'kid': 'made-up'})}")
    issuer.keys["k2"] = Ed25519PrivateKey.generate()
    issuer.clock.now += 5

    assert (await authenticator.authenticate(issuer.sign("k2"))).user == "ada"
    assert issuer.fetched == 2


async def test_an_issuer_that_was_away_at_first_is_asked_again_after_five_seconds():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    issuer.status = 500
    for _ in range(3):
        with pytest.raises(Unavailable):
            await authenticator.authenticate(issuer.sign())
    assert issuer.fetched == 1
    issuer.status = 200
    issuer.clock.now += 5

    assert (await authenticator.authenticate(issuer.sign())).user == "ada"


async def test_a_slow_fetch_for_made_up_key_ids_delays_no_known_key():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.sign())
    issuer.clock.now += REFETCH_SECONDS
    issuer.answers.clear()
    made_up = [f"Bearer {sign(headers={'kid': f'made-up-{number}'})}" for number in range(50)]
    waiting = [asyncio.create_task(authenticator.authenticate(token)) for token in made_up]
    await asyncio.sleep(0)

    assert (await authenticator.authenticate(issuer.sign(sub="bob"))).user == "bob"

    issuer.answers.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NotAuthenticated}
    assert issuer.fetched == 2


async def test_a_known_key_does_not_wait_for_an_issuer_that_fails():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.sign())
    issuer.status = 500
    issuer.clock.now += MAX_AGE_SECONDS + 1
    await authenticator.authenticate(issuer.sign(sub="bob"))
    issuer.clock.now += REFETCH_SECONDS
    issuer.answers.clear()

    assert (await authenticator.authenticate(issuer.sign(sub="eve"))).user == "eve"
    issuer.answers.set()


async def test_a_cancelled_request_does_not_cancel_the_fetch_of_the_others():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    issuer.answers.clear()
    first, second = (asyncio.create_task(authenticator.authenticate(issuer.sign())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    issuer.answers.set()

    assert (await second).user == "ada"


async def test_unknown_key_ids_do_not_cause_a_fetch_each():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.sign())
    for number in range(50):
        with pytest.raises(NotAuthenticated):
            await authenticator.authenticate(f"Bearer {sign(headers={'kid': f'made-up-{number}'})}")
    assert issuer.fetched == 1


async def test_known_keys_are_used_while_the_issuer_is_unreachable():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.sign())
    issuer.status = 500
    issuer.clock.now += MAX_AGE_SECONDS + 1

    assert (await authenticator.authenticate(issuer.sign(sub="bob"))).user == "bob"
    assert issuer.fetched == 2


async def test_a_withdrawn_key_is_refused():
    issuer = Issuer()
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.sign())
    withdrawn = issuer.sign(sub="bob")
    issuer.keys = {"k2": Ed25519PrivateKey.generate()}
    issuer.clock.now += MAX_AGE_SECONDS + 1

    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(withdrawn)


async def test_without_any_fetched_key_the_response_is_503():
    issuer = Issuer()
    issuer.status = 500
    with pytest.raises(Unavailable):
        await issuer.authenticator().authenticate(issuer.sign())


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"abc": {"user": "a"}}', f'{{"{"0" * 64}": {{"user": "a:b"}}}}']
)
def test_invalid_api_keys_name_the_variable(content: str):
    with pytest.raises(InvalidSettings, match="ETUDE_API_KEYS"):
        read_api_keys(content)


def test_api_keys_are_read():
    digest = hashlib.sha256(b"etk_x").hexdigest()
    assert read_api_keys(json.dumps({digest: {"user": "ada"}})) == {digest: ApiKey(user="ada", plan="free")}
    assert read_api_keys("") == {}


@pytest.mark.parametrize("pem", ["", "x", pem_of(ec.generate_private_key(ec.SECP384R1()))])
def test_an_invalid_public_key_names_the_variable(pem: str):
    with pytest.raises(InvalidSettings, match="ETUDE_JWT_PUBLIC_KEY"):
        LocalKey(pem)


# -- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/ai", "/api/collections", "/api/usage", "/api/events"])
async def test_every_invalid_token_gets_the_same_response(desk: Desk, path: str):
    expired = jwt.encode({"sub": "ada", "exp": time.time() - 60}, PRIVATE_KEY, algorithm="EdDSA")
    answers = [
        await desk.anonymous(**headers).get(path)
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {expired}"})
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer error="invalid_token"'}
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["code"] == "not_authenticated"


async def test_an_unauthenticated_body_is_not_read(desk: Desk):
    answer = await desk.anonymous().post("/api/ai", content=b"\xff" * 3_000_000)
    assert answer.status_code == 401
