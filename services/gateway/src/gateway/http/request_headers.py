"""Headers and query parameters: `Prefer`, `Idempotency-Key`, `Last-Event-ID`, enumerations."""

import re
from collections.abc import Mapping

from starlette.requests import Request

from gateway.http.request_bodies import MAX_TITLE
from shared.domain.errors import FieldProblem, InvalidFields, InvalidIdempotencyKey
from shared.domain.text.language_tag import MAX_TAG_CHARACTERS, TAG_PATTERN, canonical_tag

MAX_WAIT_SECONDS = 30.0
"""Longest `Prefer: wait=` that is honoured: proxies often close a silent connection after 60 s."""

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?=[,;]|$)", re.IGNORECASE)
_KEY = re.compile(r"[!-~]{1,255}")
_EVENT_ID = re.compile(r"\d{1,19}-\d{1,19}")


def wait_seconds(request: Request) -> float:
    """How long the caller prefers to wait for the result; 0 when not at all. Several `Prefer` lines are one list, in which the
    first of two waits counts (RFC 7240)."""
    found = _WAIT.search(", ".join(request.headers.getlist("prefer")))
    return min(float(found[1]), MAX_WAIT_SECONDS) if found else 0.0


def idempotency_key(request: Request) -> str:
    """The key, bare or as the structured-field string of the IETF draft; empty when there is none.

    Raises `InvalidIdempotencyKey`.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return ""
    key = given.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = re.sub(r'\\(["\\])', r"\1", key[1:-1])
    if not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey
    return key


def resume_from(request: Request) -> str | None:
    """The id of the last event that the client received: from the header of a reconnect, or from the query.

    Raises `InvalidFields`.
    """
    header = request.headers.get("last-event-id")
    given = header or request.query_params.get("last_event_id")
    if not given:
        return None
    if not _EVENT_ID.fullmatch(given):
        pointer = "/header/Last-Event-ID" if header else "/query/last_event_id"
        raise InvalidFields(FieldProblem(pointer, "wrong_format", {"expected": "1700000000000-0"}))
    return given


def language_parameter(query: Mapping[str, str]) -> str:
    """`language`, in canonical case; empty when there is none. Raises `InvalidFields`."""
    given = query.get("language")
    if given is None:
        return ""
    if len(given) > MAX_TAG_CHARACTERS or not re.search(TAG_PATTERN, given):
        raise InvalidFields(FieldProblem("/query/language", "wrong_format", {"expected": "language_tag"}))
    return canonical_tag(given)


def title_parameter(query: Mapping[str, str]) -> str:
    """`q`, a part of a title. Raises `InvalidFields`."""
    given = query.get("q", "")
    if "\0" in given:
        raise InvalidFields(FieldProblem("/query/q", "nul_character"))
    if len(given) > MAX_TITLE:
        raise InvalidFields(FieldProblem("/query/q", "out_of_range", {"expected": f"≤ {MAX_TITLE}"}))
    return given.strip()


def choice(query: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    """Raises `InvalidFields`."""
    given = query.get(name, default)
    if given not in choices and given != default:
        raise InvalidFields(FieldProblem(f"/query/{name}", "wrong_value", {"expected": ", ".join(choices)}))
    return given
