"""Translates a server's errors into ours: by code, by status, and last by patterns over the messages of known servers.

Every error says whose fault it is (`ProviderError.blames`): this request's, the server's or the account's. Only the last two
concern other learners.
"""

from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

from shared.adapters.llm.openai.refusals.server_error import ServerError, read_server_error
from shared.domain.provider_errors import ProviderError, ProviderTimedOut, ProviderUnavailable

NOT_FOUND = 404


def translate(error: Exception) -> ProviderError:
    """Turn an error of the OpenAI client into ours."""
    match error:
        case APITimeoutError() | TimeoutError():
            return ProviderTimedOut()
        case APIStatusError() | APIError() if not isinstance(error, APIConnectionError):
            return to_provider_error(server_error_of(error))
        case _:
            return ProviderUnavailable(is_connected=False)


def server_error_of(error: APIError) -> ServerError:
    if isinstance(error, APIStatusError):
        return read_server_error(error.body, error.status_code, error.response.headers)
    return read_server_error(error.body, 0, {})


def to_provider_error(said: ServerError) -> ProviderError:
    """Choose our error, with the wait that the server asks for. An unknown model counts as a 404 whatever the status, because
    no text causes it."""
    status = NOT_FOUND if said.is_unknown_model else said.status
    return said.kind(retry_after=said.retry_after, status=status)
