"""Everything of a user's, as it happens: what replaces asking again and again."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp

from gateway.auth.authenticator import Caller
from gateway.http import openapi
from gateway.http.endpoint import Endpoint
from gateway.http.event_streams import Listening
from gateway.http.request_headers import resume_from
from gateway.http.responses import language_of
from gateway.routes.health import Check


class EventRoutes:
    def __init__(self, listening: Listening, *, check_redis: Check) -> None:
        self._listening = listening
        self._check_redis = check_redis

    async def follow(self, request: Request, caller: Caller) -> ASGIApp:
        after = resume_from(request)
        await self._check_redis()  # while there is still a status to say it with
        return self._listening.to_user(caller.user, after=after, language=language_of(request))

    def endpoints(self) -> Sequence[Endpoint]:
        return [Endpoint("GET", "/api/events", self.follow, FOLLOW)]


FOLLOW = openapi.operation(
    "followAll",
    "Follow all your jobs and collections. Without `Last-Event-ID`: from the oldest event that is kept, up to a day back.",
    tag="jobs",
    parameters=[openapi.LAST_EVENT_ID, openapi.LAST_EVENT_ID_QUERY],
    answers={200: openapi.EVENT_ANSWERS[200]},
    problems=("invalid_fields",),
)
