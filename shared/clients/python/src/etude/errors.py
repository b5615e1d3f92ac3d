"""What can go wrong between a client and Etude. Each class says what the caller can do about it."""

from etude.api_models import Problem


class EtudeError(Exception):
    """The base of every error that a client raises."""


class InvalidUrl(EtudeError, ValueError):
    """The address given is not an http:// or https:// URL."""

    def __init__(self, url: str) -> None:
        super().__init__(f"{url} is not a URL that starts with http:// or https://")


class Unreachable(EtudeError):
    """There is no connection, or it broke and could not be restored. A submission with the same key is safe to repeat."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Etude does not answer at {url}")


class UnexpectedResponse(EtudeError):
    """The response is not one of Etude's: the address leads to something else, or to a newer version of the API."""

    def __init__(self, url: str) -> None:
        super().__init__(f"what answers at {url} is not Etude")


class ApiError(EtudeError):
    """Etude refused the request. The attributes are those of the `application/problem+json` body."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.status = problem.status
        self.code = problem.code
        """The stable name of the problem, such as `budget_exceeded`; empty when the body was not a problem."""
        self.detail = problem.detail
        self.retryable = problem.retryable
        """Whether the same request may succeed later."""
        self.retry_after = problem.retry_after
        """Seconds until a retry makes sense; None when the server did not say."""
        self.request_id = problem.request_id
        self.errors = problem.errors


class NotAuthenticated(ApiError):
    """401: the token is missing, expired or of another deployment."""


class NotFound(ApiError):
    """404: there is no such job or collection of this user."""


class Conflict(ApiError):
    """412: somebody else has changed the collection. Fetch it again, and repeat the change with its new `etag`."""


class TooManyRequests(ApiError):
    """429: a rate limit or a budget is exhausted; `code` says which."""


class Unavailable(ApiError):
    """502, 503 or 504: Etude, or a proxy in front of it, cannot serve the request now."""


BY_STATUS: dict[int, type[ApiError]] = {
    401: NotAuthenticated,
    404: NotFound,
    412: Conflict,
    429: TooManyRequests,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def api_error(problem: Problem) -> ApiError:
    """The exception for `problem`, by its status."""
    return BY_STATUS.get(problem.status, ApiError)(problem)
