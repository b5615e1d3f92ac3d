"""One call of the API as a value, and what its response means. Nothing here sends anything."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from etude.api_models import File, Problem
from etude.errors import UnexpectedResponse, api_error

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CONNECT_SECONDS = 5.0
RESPONSE_SECONDS = 60.0
"""Longest silence of the server. Four times its heartbeat interval: a stream that is silent for longer is dead."""


class Request(Struct, Generic[T_co], frozen=True, kw_only=True):
    method: str
    path: str
    decode: Callable[[bytes], T_co]
    query: Mapping[str, str | int] = {}
    headers: Mapping[str, str] = {}
    json: Any = None
    form: Mapping[str, str] = {}
    file: File | None = None
    """With a file the body is `multipart/form-data`, with `form` as its other fields."""
    is_repeatable: bool = True
    """Whether sending it twice has the effect of sending it once."""
    is_submission: bool = False
    """Whether it carries an idempotency key, which makes it repeatable."""
    response_seconds: float = RESPONSE_SECONDS

    def raw(self) -> "Request[bytes]":
        """The same call, for the bytes of its response."""
        return replace(self, decode=bytes)  # pyright: ignore[reportReturnType] - replace cannot know the new parameter

    def with_header(self, name: str, value: str) -> "Request[T_co]":
        return replace(self, headers={**self.headers, name: value})

    def with_key(self, new_key: Callable[[], str]) -> "Request[T_co]":
        """A submission without an idempotency key gets one; every other request is unchanged."""
        if not self.is_submission or self.headers.get("Idempotency-Key"):
            return self
        return self.with_header("Idempotency-Key", new_key())

    def build(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request as `http` sends it."""
        return http.build_request(
            self.method,
            self.path,
            params=self.query or None,
            headers=self.headers,
            timeout=httpx.Timeout(self.response_seconds, connect=CONNECT_SECONDS),
            **self._body(),
        )

    def _body(self) -> dict[str, Any]:
        if self.file:
            file = (self.file.name, self.file.content, self.file.media_type)
            return {"data": self.form, "files": {"file": file}}
        return {"json": msgspec.to_builtins(self.json)} if self.json is not None else {}


def read_response(request: Request[T], response: httpx.Response) -> T:
    """Raises `ApiError` for a refusal, `UnexpectedResponse` for a body that Etude would not send."""
    raise_for_problem(response)
    try:
        return request.decode(response.content)
    except msgspec.DecodeError:
        raise _unexpected(response) from None


def raise_for_problem(response: httpx.Response) -> None:
    """The response must have been read. Raises `ApiError` unless it is a success."""
    if response.is_success:
        return
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem(title=f"the server answered {response.status_code} without saying why")
    seconds = response.headers.get("Retry-After", "")
    retry_after = int(seconds) if seconds.isdecimal() else problem.retry_after
    raise api_error(replace(problem, status=response.status_code, retry_after=retry_after))


def require_event_stream(response: httpx.Response) -> None:
    """Raises `ApiError` for a refusal, `UnexpectedResponse` for a success that is no event stream."""
    raise_for_problem(response)
    if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
        raise _unexpected(response)


def _unexpected(response: httpx.Response) -> UnexpectedResponse:
    return UnexpectedResponse(str(response.url.copy_with(path="/", query=None)))
