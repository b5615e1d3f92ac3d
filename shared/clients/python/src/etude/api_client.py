"""The public API as the command uses it: each refusal becomes a `Failure` that says what the API said."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import msgspec

from etude.api_models import ProblemView
from etude.errors import ExitCode, Failure
from etude.sse import ServerEvent, parse_events

T = TypeVar("T")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""Longer than the server's heartbeat: a stream that is silent for this long is dead."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Not reached through a proxy, whatever the environment says."""
RECONNECTS = 10
"""In a row, without an event between them; with the pauses below about a minute."""
PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 8.0


class Api:
    """One connection to one Etude as one user."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        language: str,
        new_key: Callable[[], str],
        pause: Callable[[float], None],
    ) -> None:
        self._http = httpx.Client(
            base_url=_parse(url),
            headers={"Authorization": f"Bearer {token}", "Accept-Language": language},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=_parse(url).host not in LOOPBACK,
        )
        self._new_key = new_key
        self._pause = pause

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, kind: type[T], **params: str | int) -> T:
        return _decode(self._send("GET", path, params=params), kind)

    def find(self, path: str, kind: type[T]) -> T | None:
        """As `get`; None when there is nothing under `path`."""
        response = self._try("GET", path)
        return None if response.status_code == HTTPStatus.NOT_FOUND else _decode(_checked(response), kind)

    def delete(self, path: str) -> bool:
        """False: there was nothing under `path`."""
        response = self._try("DELETE", path)
        return response.status_code != HTTPStatus.NOT_FOUND and bool(_checked(response))

    def submit(self, path: str, kind: type[T], **body: Any) -> T:
        """POST with an Idempotency-Key, so that the one retry after a lost answer cannot submit twice."""
        headers = {"Idempotency-Key": self._new_key()}
        try:
            response = self._http.post(path, headers=headers, **body)
        except httpx.TransportError:
            response = self._try("POST", path, headers=headers, **body)
        return _decode(_checked(response), kind)

    def follow(self, path: str) -> Iterator[ServerEvent]:
        """The events of a job until its `done`, in order, each once, across dropped connections."""
        last_id, failures = "", 0
        while failures <= RECONNECTS:
            try:
                for event in self._stream("GET", path, {"Last-Event-ID": last_id} if last_id else {}):
                    last_id, failures = event.id or last_id, 0
                    yield event
                    if event.name == "done":
                        return
            except _NothingLeft:
                return
            except (httpx.TransportError, _Away):
                pass  # counted below, as a stream is that ends without its `done`
            failures += 1
            self._pause(min(PAUSE_SECONDS * 2 ** (failures - 1), MAX_PAUSE_SECONDS))
        raise self._unreachable()

    def ask(self, path: str, body: Mapping[str, Any]) -> Iterator[ServerEvent]:
        """POST a question and read the answer as it comes. A cut answer is not asked for again: it was paid for."""
        try:
            yield from self._stream("POST", path, {}, json=dict(body))
        except (httpx.TransportError, _Away):
            raise self._unreachable() from None

    def _stream(
        self, method: str, path: str, headers: Mapping[str, str], **body: Any
    ) -> Iterator[ServerEvent]:
        with self._http.stream(method, path, headers=headers, **body) as response:
            if not response.is_success:
                response.read()
                if response.status_code in (502, 503, 504) and method == "GET":
                    raise _Away
                _checked(response)
            if response.status_code == HTTPStatus.NO_CONTENT:
                raise _NothingLeft
            yield from parse_events(response.iter_bytes())

    def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        return _checked(self._try(method, path, **kwargs))

    def _try(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **kwargs)
        except httpx.TransportError:
            raise self._unreachable() from None

    def _unreachable(self) -> Failure:
        return Failure(ExitCode.UNREACHABLE, f"Etude does not answer at {self._http.base_url}")


class _Away(Exception):
    """The server, or a proxy before it, says "later" to a listener."""


class _NothingLeft(Exception):
    """The job is over, and the listener had heard everything."""


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Failure(ExitCode.USAGE, f"{url} is not a URL that starts with http:// or https://")
    return parsed


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    code = ExitCode.NOT_SIGNED_IN if response.status_code == HTTPStatus.UNAUTHORIZED else ExitCode.REFUSED
    try:
        problem = msgspec.json.decode(response.content, type=ProblemView)
    except msgspec.DecodeError:
        raise Failure(code, f"the server answered {response.status_code} without saying why") from None
    raise Failure(code, str(problem))


def _decode(response: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError:
        raise Failure(
            ExitCode.UNREACHABLE, f"what answers at {response.url.copy_with(path='/')} is not Etude"
        ) from None
