"""Questions to the chat, and its streamed answers as events."""

import json
from typing import Any

QUESTION = {"messages": [{"role": "user", "content": "When does water boil?"}]}
STREAMED = {**QUESTION, "stream": True}


def read_events(body: str) -> list[tuple[str, Any]]:
    """Names and data of an event stream, in order; comments left out."""
    blocks = [block for block in body.split("\n\n") if block and not block.startswith(":")]
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(event["event"], json.loads(event["data"])) for event in fields]
