"""What servers without a model reply: material on the text of the tests, in the fixtures of each server."""

import json
from typing import Any

import msgspec
from tests.fakes import draft_for

from shared.domain.generation.sizing import ITEM_TASKS
from shared.domain.llm.prompts import instructions
from shared.domain.llm.provider import Prompt, Task
from shared.domain.study.material import ItemCounts

CHAT_REPLY = "The equilibrium price is the price at which both quantities are equal."
DRAFTED_TASKS = tuple(task for task in Task if task not in (Task.CARDS, Task.QUESTIONS, Task.CHAT))
"""One reply holds cards and questions: a job that wants only one kind leaves the other unread."""


def opening(task: Task) -> str:
    """The first words of the task's instructions, by which a server tells the tasks apart."""
    tasks = ITEM_TASKS if task is Task.ITEMS else (task,)
    return instructions(tasks, "en").partition(" from the source")[0].partition("\n")[0]


def draft(task: Task, source: str) -> dict[str, Any]:
    prompt = Prompt(
        task=task,
        instructions="",
        source=source,
        language="en",
        counts=ItemCounts(3, 3),
        max_output_tokens=1_000,
    )
    return msgspec.to_builtins(draft_for(prompt))


def aimock_fixtures(source: str) -> str:
    drafts = [
        {
            "match": {"systemMessage": opening(task)},
            "response": {"content": json.dumps(draft(task, source))},
        }
        for task in DRAFTED_TASKS
    ]
    chat = {"match": {"systemMessage": opening(Task.CHAT)}, "response": {"content": CHAT_REPLY}}
    return json.dumps({"fixtures": [*drafts, chat]})


def fakellm_rules(source: str) -> str:
    """YAML, of which JSON is a part."""
    rules = [
        {
            "name": task.value,
            "when": {"messages_contain": opening(task)},
            "respond": {"content": json.dumps(draft(task, source))},
        }
        for task in DRAFTED_TASKS
    ]
    chat = {
        "name": "chat",
        "when": {"messages_contain": opening(Task.CHAT)},
        "respond": {"content": CHAT_REPLY},
    }
    return json.dumps({"rules": [*rules, chat]})


def mockllm_replies(source: str) -> str:
    """This server sees the last message alone, so one reply holds the fields of every draft."""
    everything = {name: value for task in DRAFTED_TASKS for name, value in draft(task, source).items()}
    return json.dumps({"responses": {}, "defaults": {"unknown_response": json.dumps(everything)}})
