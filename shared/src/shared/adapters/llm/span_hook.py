"""The hook that writes a span for each call: which model, how many tokens, which error. Never any text."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from shared.adapters.llm.model import CallHook, ModelCall
from shared.domain.tracing import SpanName, Tracer


def span_hook(tracer: Tracer) -> CallHook:
    """Put it inside the rate limiter, so that a span covers the call and not the wait for a permit."""

    @asynccontextmanager
    async def write_span(call: ModelCall) -> AsyncGenerator[None]:
        with tracer.span(SpanName.CALL, model=call.model, max_tokens=call.max_output_tokens) as span:
            try:
                yield
            finally:
                if call.usage is not None:
                    span.set_attributes(**msgspec.to_builtins(call.usage))
                if call.answered_by:
                    span.set_attributes(answered_by=call.answered_by, generated_by=call.provider)

    return write_span
