"""Reads the token counts that a server reports, in the shapes that servers use, and checks them before anything is charged.

A count that the call cannot have had is replaced by our own count: it is someone's money.
"""

from collections.abc import Callable
from typing import cast

from msgspec import Struct

from shared.domain.usage import Usage

PROMPT_TOKENS = ("prompt_tokens", "input_tokens")
COMPLETION_TOKENS = ("completion_tokens", "output_tokens")
"""Names of the counts in Chat Completions, and in the Responses API and those that follow it."""


class CallBounds(Struct, frozen=True, kw_only=True):
    """What one call can have used, and our own count of it, which stands in where a report is missing or impossible."""

    count: Callable[[], Usage]
    """Counts here. It is called only when it is needed: a process that never counts never loads the vocabulary (65 MB)."""
    max_prompt_tokens: int
    """A token is at least one byte, so this is the size of the request in bytes."""
    max_completion_tokens: int


class CheckedUsage(Struct, frozen=True):
    usage: Usage
    is_corrected: bool
    """Whether the server reported something that the call cannot have used."""
    is_beyond_limit: bool = False
    """Whether it reported a longer completion than the request allows."""


def check_usage(reported: object, bounds: CallBounds) -> CheckedUsage:
    """Take what the server reported where it is possible, and our own count elsewhere. The result is never zero and never
    beyond the bounds."""
    if not isinstance(reported, dict) or not reported:
        return CheckedUsage(bounds.count(), is_corrected=False)
    fields = cast(dict[str, object], reported)
    prompt, completion = _first(fields, PROMPT_TOKENS), _first(fields, COMPLETION_TOKENS)
    if completion is not None and prompt is not None and prompt > 0:
        completion = _with_hidden_thinking(fields, prompt, completion, bounds)
    is_prompt_good = prompt is not None and 0 < prompt <= bounds.max_prompt_tokens
    is_completion_good = completion is not None and 0 <= completion <= bounds.max_completion_tokens
    if prompt is not None and completion is not None and is_prompt_good and is_completion_good:
        return CheckedUsage(Usage(prompt, completion), is_corrected=False)
    counted = bounds.count()
    reports = any(fields.get(name) is not None for name in (*PROMPT_TOKENS, *COMPLETION_TOKENS))
    return CheckedUsage(
        Usage(
            prompt if prompt is not None and is_prompt_good else counted.prompt_tokens,
            completion if completion is not None and is_completion_good else counted.completion_tokens,
        ),
        is_corrected=reports,
        is_beyond_limit=completion is not None and completion > bounds.max_completion_tokens,
    )


def to_count(value: object) -> int | None:
    """A count as servers write it: an integer, a float without a fraction, or digits as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def _first(fields: dict[str, object], names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := to_count(fields.get(name))) is not None), None)


def _with_hidden_thinking(fields: dict[str, object], prompt: int, completion: int, bounds: CallBounds) -> int:
    """Some servers count the thinking only in `total_tokens`."""
    beside_prompt = (to_count(fields.get("total_tokens")) or 0) - prompt
    return max(completion, beside_prompt) if 0 < beside_prompt <= bounds.max_completion_tokens else completion
