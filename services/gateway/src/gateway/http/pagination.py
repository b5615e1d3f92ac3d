"""Lists, a page at a time: by key and never by offset, so that nothing is skipped or repeated while jobs are made."""

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
    """Which part of a list is asked for."""

    limit: int
    before: JobId | None

    def cut(self, seen: Sequence[JobSnapshot]) -> tuple[Sequence[JobSnapshot], str | None]:
        """What is on the page, of one more than it holds; and the cursor of the next page, if there is one."""
        has_more = len(seen) > self.limit
        return seen[: self.limit], _write_cursor(seen[self.limit - 1].id) if has_more else None


async def read_page(request: Request) -> Page:
    """Raises `InvalidFields`."""
    return Page(_page_size(request.query_params), _read_cursor(request.query_params))


RequestedPage = Annotated[Page, Depends(read_page)]


def next_link(path: str, query: Mapping[str, str], cursor: str | None) -> dict[str, str]:
    """RFC 8288, for readers that follow links."""
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
    """Opaque to its reader, so that what it holds may change."""
    return base64.urlsafe_b64encode(job_id.replace("-", "").encode()).decode()


def _read_cursor(query: Mapping[str, str]) -> JobId | None:
    """The job before which the page begins. Raises `InvalidFields`."""
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
