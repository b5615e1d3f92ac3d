"""Etude's Python client: `Client`, `AsyncClient`, and the types and errors they speak in. `etude.cli` is the command."""

from etude.api_models import (
    ChatAnswer,
    ChatMessage,
    Collection,
    Estimate,
    File,
    Job,
    JobKind,
    Options,
    Page,
    Problem,
    Usage,
)
from etude.async_client import AsyncClient
from etude.client import Client
from etude.errors import (
    ApiError,
    EtudeError,
    InvalidUrl,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
    Unavailable,
    UnexpectedResponse,
    Unreachable,
)
from etude.events import (
    ChatDelta,
    ChatQuotes,
    ChatUsage,
    Event,
    Finished,
    ItemMade,
    Progressed,
    StatusChanged,
)
from etude.retries import RetryPolicy
from etude.study_material import Difficulty, Language, Level, NoteQuality

__all__ = [
    "ApiError",
    "AsyncClient",
    "ChatAnswer",
    "ChatDelta",
    "ChatMessage",
    "ChatQuotes",
    "ChatUsage",
    "Client",
    "Collection",
    "Difficulty",
    "Estimate",
    "EtudeError",
    "Event",
    "File",
    "Finished",
    "InvalidUrl",
    "ItemMade",
    "Job",
    "JobKind",
    "Language",
    "Level",
    "NotAuthenticated",
    "NotFound",
    "NoteQuality",
    "Options",
    "Page",
    "Problem",
    "Progressed",
    "RetryPolicy",
    "StatusChanged",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedResponse",
    "Unreachable",
    "Usage",
]
