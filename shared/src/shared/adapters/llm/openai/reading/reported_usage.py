"""Reads the token counts that a server reports, in the shapes that servers use, and checks them before anything is charged.

A count that the call cannot have had is replaced by our own count: it is someone's money.
"""

from collections.abc import Callable, Sequence
from typing import cast

from msgspec import Struct

from shared.domain.usage import Usage

PROMPT_TOKENS = ("prompt_tokens", "input_tokens")
COMPLETION_TOKENS = ("completion_tokens", "output_tokens")
"""Names of the counts in Chat Completions, and in the Responses API and those that follow it."""
CACHED_TOKENS = (
    ("prompt_tokens_details", "cached_tokens"),  # Chat Completions
    ("input_tokens_details", "cached_tokens"),  # Responses
    ("prompt_cache_hit_tokens",),  # DeepSeek
    ("cache_read_input_tokens",),  # Anthropic, and proxies in front of it
    ("cached_tokens",),  # Moonshot, Together
)
"""Where servers report the prompt tokens that they read from their cache."""
REASONING_TOKENS = (
    ("completion_tokens_details", "reasoning_tokens"),  # Chat Completions
    ("output_tokens_details", "reasoning_tokens"),  # Responses
    ("reasoning_tokens",),  # Perplexity, SGLang
)
"""Where servers report the completion tokens that the model spent on thinking."""
BESIDE_INPUT_TOKENS = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Prompt tokens that Anthropic's `input_tokens` does not include."""


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
    beyond the bounds, and its parts are never larger than the whole."""
    if not isinstance(reported, dict) or not reported:
        return CheckedUsage(bounds.count(), is_corrected=False)
    report = _read(cast(dict[str, object], reported), bounds)
    prompt = report.prompt if 0 < report.prompt <= bounds.max_prompt_tokens else None
    completion = report.completion if 0 <= report.completion <= bounds.max_completion_tokens else None
    counted = bounds.count() if prompt is None or completion is None else Usage()
    cached = report.cached if 0 <= report.cached <= (prompt or 0) else 0
    reasoning = report.reasoning if 0 <= report.reasoning <= (completion or 0) else 0
    usage = Usage(
        counted.prompt_tokens if prompt is None else prompt,
        counted.completion_tokens if completion is None else completion,
        cached,
        reasoning,
    )
    return CheckedUsage(
        usage,
        is_corrected=report.has_counts and usage != report.usage,
        is_beyond_limit=report.completion > bounds.max_completion_tokens,
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


MISSING = -1
"""Stands for a count that a report does not have, or has in no form that is a number."""


class _Report(Struct, frozen=True, kw_only=True):
    """What a server reported, before it is checked."""

    prompt: int
    completion: int
    cached: int
    reasoning: int
    has_counts: bool
    """Whether it reported anything in the place of the prompt's or the completion's tokens."""

    @property
    def usage(self) -> Usage:
        return Usage(self.prompt, self.completion, self.cached, self.reasoning)


def _read(fields: dict[str, object], bounds: CallBounds) -> _Report:
    prompt, completion = _prompt_tokens(fields), _first(fields, COMPLETION_TOKENS)
    hidden = _hidden_thinking(fields, prompt, completion, bounds)
    reasoning = _part(fields, REASONING_TOKENS)
    return _Report(
        prompt=MISSING if prompt is None else prompt,
        completion=MISSING if completion is None else completion + hidden,
        cached=_part(fields, CACHED_TOKENS) or 0,
        reasoning=hidden if reasoning is None else reasoning,
        has_counts=any(fields.get(name) is not None for name in (*PROMPT_TOKENS, *COMPLETION_TOKENS)),
    )


def _prompt_tokens(fields: dict[str, object]) -> int | None:
    prompt = _first(fields, PROMPT_TOKENS)
    if prompt is None or fields.get("prompt_tokens") is not None:
        return prompt
    return prompt + sum(max(0, to_count(fields.get(name)) or 0) for name in BESIDE_INPUT_TOKENS)


def _first(fields: dict[str, object], names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := to_count(fields.get(name))) is not None), None)


def _part(fields: dict[str, object], paths: Sequence[tuple[str, ...]]) -> int | None:
    """The largest of the counts at these places: servers that fill several of them leave some at 0."""
    counts = [to_count(_at(fields, path)) for path in paths]
    return max((count for count in counts if count is not None), default=None)


def _at(fields: object, path: tuple[str, ...]) -> object:
    for name in path:
        fields = cast(dict[str, object], fields).get(name) if isinstance(fields, dict) else None
    return fields


def _hidden_thinking(
    fields: dict[str, object], prompt: int | None, completion: int | None, bounds: CallBounds
) -> int:
    """The thinking that some servers count only in `total_tokens`."""
    if prompt is None or prompt <= 0 or completion is None:
        return 0
    beside_prompt = (to_count(fields.get("total_tokens")) or 0) - prompt
    return max(0, beside_prompt - completion) if beside_prompt <= bounds.max_completion_tokens else 0
