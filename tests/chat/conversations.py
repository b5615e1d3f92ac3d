"""Questions to the chat, and its streamed answers as events."""

from typing import Any

from tests.event_streams import parse_events

QUESTION = {"messages": [{"role": "user", "content": "When does water boil?"}]}
STREAMED = {**QUESTION, "stream": True}


def read_events(body: str) -> list[tuple[str, Any]]:
    """Return the names and data of an event stream, in order."""
    return [(event.name, event.data) for event in parse_events(body)]
