"""Pagination by key, not by offset: no job is skipped or repeated while others are submitted."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from msgspec import Struct

from shared.domain.errors import FieldProblem, InvalidFields
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_id import is_job_id
from shared.domain.jobs.job_snapshot import JobSnapshot

DEFAULT_PAGE, MAX_PAGE = 20, 100


class Page(Struct, frozen=True):
    """The requested part of a list."""

    limit: int
    before: JobId | None

    def cut(self, jobs: Sequence[JobSnapshot]) -> tuple[Sequence[JobSnapshot], str | None]:
        """The jobs on the page and the cursor of the next one, if any. `jobs` has one more than the page when there is."""
        has_more = len(jobs) > self.limit
        return jobs[: self.limit], _write_cursor(jobs[self.limit - 1].id) if has_more else None


async def read_page(request: Request) -> Page:
    """Raises `InvalidFields`."""
    return Page(_page_size(request.query_params), _read_cursor(request.query_params))


RequestedPage = Annotated[Page, Depends(read_page)]


def next_link(path: str, query: Mapping[str, str], cursor: str | None) -> dict[str, str]:
    """The `Link` header (RFC 8288) of the next page, if there is one."""
    if cursor is None:
        return {}
    return {"Link": f'<{path}?{urlencode({**query, "after": cursor})}>; rel="next"'}


def _page_size(query: Mapping[str, str]) -> int:
    """Raises `InvalidFields`."""
    given = query.get("limit", str(DEFAULT_PAGE))
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:4]) <= MAX_PAGE:
        raise InvalidFields(FieldProblem("/query/limit", "out_of_range", {"expected": f"1–{MAX_PAGE}"}))
    return int(given)


def _write_cursor(job_id: str) -> str:
    """Cursors are opaque to clients, so that their content may change."""
    return base64.urlsafe_b64encode(job_id.replace("-", "").encode()).decode()


def _read_cursor(query: Mapping[str, str]) -> JobId | None:
    """The id of the job that the page begins after. Raises `InvalidFields`."""
    given = query.get("after")
    if given is None:
        return None
    try:
        text = base64.b64decode(given, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    job_id = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    if not is_job_id(job_id):
        raise InvalidFields(FieldProblem("/query/after", "wrong_format", {"expected": "next_cursor"}))
    return JobId(job_id)
