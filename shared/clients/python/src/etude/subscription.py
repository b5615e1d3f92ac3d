"""Where a listener stands in a stream of events, across dropped connections. The clients connect and sleep."""

from http import HTTPStatus

import httpx
from httpx_sse import ServerSentEvent

from etude.errors import Unreachable
from etude.events import Event, Finished, read_job_event
from etude.request import Request, raise_for_problem, require_event_stream
from etude.retries import RECONNECTIONS, backoff

AWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
"""The server, or a proxy in front of it, restarts: a listener tries again."""


class Subscription:
    """Each event once and in order, from `after` to the end of the stream."""

    def __init__(self, path: str, *, after: str = "", ends_with_job: bool) -> None:
        self.is_over = False
        self._path = path
        self._last_id = after
        self._ends_with_job = ends_with_job
        self._failures = 0

    def request(self) -> Request[bytes]:
        """The next connection, which resumes after the last event."""
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        return Request(method="GET", path=self._path, headers=headers, decode=bytes)

    def accept(self, response: httpx.Response) -> bool:
        """Whether events follow. A refusal must have been read. Raises `ApiError`."""
        if response.status_code in AWAY:
            return False
        raise_for_problem(response)
        self.is_over = response.status_code == HTTPStatus.NO_CONTENT
        if not self.is_over:
            require_event_stream(response)
        return not self.is_over

    def receive(self, sent: ServerSentEvent) -> Event | None:
        """None for what is no event of interest, such as a heartbeat."""
        if not sent.data:
            return None
        self._last_id, self._failures = sent.id or self._last_id, 0
        event = read_job_event(sent)
        if event and isinstance(event.data, Finished) and self._ends_with_job:
            self.is_over = True
        return event

    def pause(self, url: str) -> float:
        """Seconds until the next connection. Raises `Unreachable` after too many that brought nothing."""
        self._failures += 1
        if self._failures > RECONNECTIONS:
            raise Unreachable(url)
        return backoff(self._failures)
