"""The commands that each script can run, read from its text: those of the script, and of the functions of the prelude that it
reaches."""

import re

from shared.adapters.redis.scripts import Script

PRELUDE_FUNCTION = re.compile(
    r"^(?:local function (\w+)|(\w+) = function)\b(.*?)(?=^(?:local|\w+ = function)\b|\Z)",
    re.MULTILINE | re.DOTALL,
)
CALL = re.compile(r"(?:\bcall|redis\.pcall)\('([A-Z]+)'(?:, '([A-Z]+)')?")
WITH_SUBCOMMANDS = {"XINFO", "XGROUP"}
END_OF_PRELUDE = "\n-- {name}: "


def commands_of(script: Script[object]) -> set[str]:
    """The commands as ACL rules write them, such as `xinfo|groups`."""
    prelude, _, own = script.source.partition(END_OF_PRELUDE.format(name=script.name))
    assert own, script.name
    own = f"-- {own}"
    functions = {first or second: body for first, second, body in PRELUDE_FUNCTION.findall(prelude)}
    reached, todo = set[str](), [own]
    commands = set[str]()
    while todo:
        text = _without_comments(todo.pop())
        commands |= {_rule(*found) for found in CALL.findall(text)}
        named = (set(re.findall(r"\w+", text)) & functions.keys()) - reached
        reached |= named
        todo += [functions[name] for name in named]
    return commands


def _rule(command: str, subcommand: str) -> str:
    return f"{command}|{subcommand}".lower() if command in WITH_SUBCOMMANDS else command.lower()


def _without_comments(text: str) -> str:
    return re.sub(r"--.*", "", text)
