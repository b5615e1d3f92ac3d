"""The table of error codes: their status, whether a retry can help, and their English title."""

from docs.markdown import Row, render_table
from shared.domain.error_messages import MESSAGES
from shared.domain.errors import JobError, StudyError, tree
from shared.domain.provider_errors import ProviderError
from shared.runtime.http.problem_details import is_retryable, status_of

JOB_CODES = {kind.code for root in (JobError, ProviderError) for kind in tree(root)}
"""Codes that the `error` of a job can carry; chat responds with those of the provider."""


def errors_table() -> str:
    codes = {kind.code for kind in tree(StudyError)}
    rows = sorted(map(row_of, codes), key=tuple)
    return render_table(("status", "code", "retryable", "in jobs", "title"), rows)


def row_of(code: str) -> Row:
    return (
        str(status_of(code)),
        f"`{code}`",
        "yes" if is_retryable(code) else "no",
        "yes" if code in JOB_CODES else "no",
        MESSAGES["en"][code].title,
    )
