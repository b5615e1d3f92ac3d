"""The outermost layer: every request gets an id, a line in the log, safe headers, and an answer whatever happens."""

import re
from collections.abc import Callable

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class Edge:
    def __init__(
        self, app: ASGIApp, *, new_request_id: Callable[[], str], monotonic: Callable[[], float]
    ) -> None:
        self._app = app
        self._new_request_id = new_request_id
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        given = _header(scope, b"x-request-id")
        request_id = given if _REQUEST_ID.fullmatch(given) else self._new_request_id()
        scope["request_id"] = request_id
        answer = _Answer(send, request_id)
        started = self._monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer.send)
            except ClientDisconnect:
                pass  # nobody is left to answer
            except Exception:  # the application has answered, if it could
                log.exception("http.broke")
                if not answer.is_whole:
                    raise ConnectionError("answer cut") from None  # so that nobody takes it for whole
            finally:
                log.info(
                    "http.request",
                    method=scope["method"],
                    route=scope.get("route_template", "-"),
                    status=answer.status,
                    duration_ms=round((self._monotonic() - started) * 1000, 1),
                )


class _Answer:
    """What has been sent so far."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.is_whole = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            request_id = (b"x-request-id", self._request_id.encode())
            given = {name for name, _ in message["headers"]}
            safe = [header for header in HEADERS if header[0] not in given]
            message = {**message, "headers": [*message["headers"], request_id, *safe]}
        self.is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")
