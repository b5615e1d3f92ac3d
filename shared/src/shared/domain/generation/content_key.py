"""Identifies what a call buys, so that the same is not bought twice."""

import hashlib

from shared.domain.generation.call_plan import PlannedStep
from shared.domain.llm.prompts import request
from shared.domain.llm.provider import Content
from shared.domain.study.material import NO_ITEMS


def content_of(step: PlannedStep) -> Content:
    """The content of a step. Its key changes with each word of the source and of our own prompt texts, but neither with the number
    of items nor with the questions that other parts have, because a completion with more items than are needed serves as well."""
    prompt = step.prompt
    parts = (
        step.schema.__name__,
        prompt.task,
        prompt.instructions,
        request(step.tasks, prompt.language, NO_ITEMS, is_merge=step.is_merge),
        prompt.source,
    )
    key = hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()
    return Content(key=key, needed=step.quota, may_be_reused=step.may_be_reused)
