"""The caller themselves: what is kept about them can be erased."""

from typing import Literal

from fastapi import APIRouter, Depends, Response
from msgspec import Struct

from gateway.http import openapi
from gateway.http.dependencies import CurrentCaller, CurrentServices, require_known_query
from gateway.http.responses import json_response

router = APIRouter(prefix="/api/me", tags=["me"], dependencies=[Depends(require_known_query)])


class ErasureView(Struct, frozen=True, kw_only=True):
    """What this request erased; there are counts only."""

    object: Literal["erasure"] = "erasure"
    records: int
    """Jobs in Redis."""
    rows: int
    """Jobs in Postgres, with what was made of them."""
    keys: int
    """Event log and budgets."""
    holds: int
    """Chats under way."""
    is_complete: bool
    """False if jobs are left: repeat the request."""


@router.delete(
    "",
    operation_id="eraseMe",
    summary="Erase yourself: jobs, collections, events. Repeat while `is_complete` is false.",
    responses={200: openapi.returns("What was erased.", ErasureView), **openapi.problems()},
)
async def erase_me(caller: CurrentCaller, services: CurrentServices) -> Response:
    erased = await services.eraser.erase(caller.user, now=services.clock())
    return json_response(
        ErasureView(
            records=erased.records,
            rows=erased.rows,
            keys=erased.keys,
            holds=erased.holds,
            is_complete=erased.is_complete,
        )
    )
