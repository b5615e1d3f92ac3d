"""Answers of Chat Completions as they travel, whole and in pieces."""

import json
import re
from typing import Any

from tests.simulators.answers import empty_of, write_answer
from tests.simulators.chat_request import ChatRequest
from tests.simulators.faults import Fault, FaultKind
from tests.simulators.journal import Call

from shared.adapters.llm.token_counter import count_tokens

TOKENS_PER_MESSAGE = 4
_PIECES = re.compile(r"\S+\s*|\s+")


class Reply:
    """What is answered to one call, and what it counts."""

    def __init__(self, call: Call, request: ChatRequest) -> None:
        self.call = call
        self._request = request
        self.prompt_tokens = sum(
            count_tokens(message.content) + TOKENS_PER_MESSAGE for message in request.messages
        )
        if request.schema is not None:
            self.prompt_tokens += count_tokens(json.dumps(request.schema))

    @property
    def indiscretion(self) -> str:
        """A message that repeats the prompt, as vendors' messages may: it must never come out at the other end."""
        return f"The request could not be processed: {self._request.messages[-1].content[:200]}"

    def body(self, fault: Fault | None) -> bytes:
        kind = fault.kind if fault else None
        text, reason = self._content(kind)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if kind is FaultKind.REFUSAL:
            message |= {"content": None, "refusal": text}
        if kind is FaultKind.WRAPPED:
            message["content"] = [{"type": "text", "text": f"<think>{{hm}}</think>\n```json\n{text}\n```"}]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        reply = self._envelope("chat.completion", fault, [] if kind is FaultKind.NO_CHOICES else [choice])
        if kind is FaultKind.IMPOSSIBLE_USAGE:
            reply["usage"] = {"prompt_tokens": 10**19, "completion_tokens": -90_000}
        elif kind is not FaultKind.NO_USAGE:
            reply["usage"] = self._usage()
        return json.dumps(reply).encode()

    def events(self, fault: Fault | None) -> list[bytes]:
        """The data of each event of the stream, in order."""
        kind = fault.kind if fault else None
        text, reason = self._content(kind)
        field = "refusal" if kind is FaultKind.REFUSAL else "content"
        deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
        deltas += [({field: piece}, None) for piece in _PIECES.findall(text)]
        deltas.append(({}, reason))
        events = [
            self._envelope(
                "chat.completion.chunk", fault, [{"index": 0, "delta": delta, "finish_reason": finish}]
            )
            for delta, finish in deltas
        ]
        if self._request.says_usage and kind is not FaultKind.NO_USAGE:
            events.append({**self._envelope("chat.completion.chunk", fault, []), "usage": self._usage()})
        return [*(json.dumps(event).encode() for event in events), b"[DONE]"]

    def _content(self, kind: FaultKind | None) -> tuple[str, str]:
        """The text and why it ends. Counts it in the journal."""
        text, reason = self._written(kind)
        tokens = count_tokens(text)
        limit = self._request.max_completion_tokens
        if tokens > limit:
            text, reason = text[: len(text) * limit // tokens], "length"
            tokens = limit
        self.call.prompt_tokens, self.call.completion_tokens = self.prompt_tokens, tokens
        return text, reason

    def _written(self, kind: FaultKind | None) -> tuple[str, str]:
        match kind:
            case FaultKind.INVALID_JSON:
                return f"Sure! {self.indiscretion}", "stop"
            case FaultKind.WRONG_SCHEMA:
                return json.dumps({"items": self.indiscretion}), "stop"
            case FaultKind.REFUSAL:
                return f"I cannot help. {self.indiscretion}", "stop"
            case FaultKind.CONTENT_FILTER:
                return "", "content_filter"
            case FaultKind.EMPTY if self._request.schema is not None:
                return json.dumps(empty_of(self._request.schema)), "stop"
            case _:
                text = write_answer(self._request.messages, self._request.schema)
                return (text[: len(text) // 2], "length") if kind is FaultKind.TRUNCATED else (text, "stop")

    def _envelope(self, object_: str, fault: Fault | None, choices: list[dict[str, Any]]) -> dict[str, Any]:
        is_indiscreet = fault is not None and fault.kind is FaultKind.INDISCREET
        return {
            "id": f"chatcmpl-{self.call.number:08d}",
            "object": object_,
            "created": int(self.call.started_at),
            "model": self.indiscretion if is_indiscreet else self.call.model,
            "choices": choices,
        }

    def _usage(self) -> dict[str, int]:
        prompt, completion = self.call.prompt_tokens, self.call.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }


def error_body(message: str, type_: str, code: str | None) -> bytes:
    return json.dumps({"error": {"message": message, "type": type_, "param": None, "code": code}}).encode()
