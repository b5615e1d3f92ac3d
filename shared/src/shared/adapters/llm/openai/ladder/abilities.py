"""What one model of one server accepts: a ladder that is descended at refusals, and kept for the fleet.

Deciding is pure here: `Abilities` is a value, and a refusal makes another one of it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace


class StructuredOutput(StrEnum):
    """How the shape of the completion is asked for, the most reliable way first."""

    STRICT = "strict"
    """`response_format` of type `json_schema` with `strict`."""
    SCHEMA = "json_schema"
    """The same without `strict`."""
    OBJECT = "json_object"
    """Only JSON is asked for; the shape stands in the prompt."""
    PROMPT = "prompt"
    """The shape stands in the prompt, and nothing is asked of the server."""


class LimitField(StrEnum):
    """The field that limits the completion's tokens."""

    COMPLETION = "max_completion_tokens"
    OUTPUT = "max_tokens"


class ThinkingStyle(StrEnum):
    """Where the thinking of a model stands in what it streams."""

    MARKED = "marked"
    """Behind an opening mark, beside the reply, or nowhere."""
    UNOPENED = "unopened"
    """At the start without an opening mark, because the chat template has written it; only its end is marked."""
    UNKNOWN = "unknown"
    """No chat has told yet. A reply is shown when it has ended, lest its thinking be shown."""


OPTIONAL_FIELDS = (
    "stream_options",
    "reasoning_effort",
    "store",
    "prompt_cache_key",
    "safety_identifier",
)
"""Fields that a request can do without."""


class Abilities(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to send and what to leave out. The defaults are OpenAI's."""

    structured_output: StructuredOutput = StructuredOutput.STRICT
    limit_field: LimitField = LimitField.COMPLETION
    without: frozenset[str] = frozenset()
    """Those of `OPTIONAL_FIELDS` that are not sent, and `max_tokens` where it was refused."""
    window: int = 0
    """Tokens of prompt and completion together that the model reads; 0 when it is not known."""
    max_output: int = 0
    """Tokens of a completion that the model allows at most; 0 when it is not known."""
    thinking: ThinkingStyle = ThinkingStyle.MARKED
    background: bool = True
    """Whether the server may have background responses. They are used only where they are set on."""

    def without_field(self, name: str) -> "Abilities":
        return replace(self, without=self.without | {name})


OPENAI = Abilities()
COMPATIBLE = Abilities(
    without=frozenset({"store", "prompt_cache_key", "safety_identifier"}), thinking=ThinkingStyle.UNKNOWN
)
"""Where the ladder begins for every other server: the fields that only OpenAI defines are not tried."""
PLAINEST = Abilities(
    structured_output=StructuredOutput.PROMPT,
    limit_field=LimitField.OUTPUT,
    without=frozenset(OPTIONAL_FIELDS),
)
"""The foot of the ladder: what every server that speaks Chat Completions takes."""


class Feature(StrEnum):
    """What a refusal may be about."""

    STRICT_SCHEMA = "strict"
    JSON_SCHEMA = "json_schema"
    RESPONSE_FORMAT = "response_format"
    LIMIT_COMPLETION = "max_completion_tokens"
    LIMIT_OUTPUT = "max_tokens"


def descend(abilities: Abilities, refused: str) -> Abilities | None:
    """Leave out what was refused: a `Feature` or one of `OPTIONAL_FIELDS`. None when nothing less can be sent."""
    match refused:
        case Feature.STRICT_SCHEMA | Feature.JSON_SCHEMA | Feature.RESPONSE_FORMAT:
            output = _next_output(abilities.structured_output, Feature(refused))
            return replace(abilities, structured_output=output) if output else None
        case Feature.LIMIT_COMPLETION if may_limit_output(abilities):
            return replace(abilities, limit_field=LimitField.OUTPUT)
        case Feature.LIMIT_OUTPUT if abilities.limit_field is LimitField.OUTPUT:
            return replace(abilities.without_field(refused), limit_field=LimitField.COMPLETION)
        case name if name in OPTIONAL_FIELDS and name not in abilities.without:
            return abilities.without_field(name)
        case _:
            return None


def may_limit_output(abilities: Abilities) -> bool:
    """Whether `max_tokens` is left to try. Once it was refused it is not tried again, so that the fields never take turns."""
    return abilities.limit_field is LimitField.COMPLETION and LimitField.OUTPUT not in abilities.without


def plainest(abilities: Abilities) -> Abilities | None:
    """The foot of the ladder, with the limits that are known. None when it is reached."""
    foot = replace(
        PLAINEST,
        window=abilities.window,
        max_output=abilities.max_output,
        thinking=abilities.thinking,
        background=abilities.background,
    )
    if LimitField.OUTPUT in abilities.without:
        foot = replace(foot.without_field(LimitField.OUTPUT), limit_field=LimitField.COMPLETION)
    return None if foot == abilities else foot


def with_changes(current: Abilities, before: Abilities, after: Abilities) -> Abilities:
    """`current` with what changed from `before` to `after`."""
    changes = {
        name: getattr(after, name)
        for name in Abilities.__struct_fields__
        if getattr(after, name) != getattr(before, name)
    }
    if "without" in changes:
        changes["without"] = current.without | after.without
    return replace(current, **changes)


class InvalidFeatures(ValueError):
    """The setting names a feature or a value that does not exist."""


def parse_features(text: str) -> dict[str, Any]:
    """Read a setting such as `structured_output=json_object, limit_field=max_tokens, without=store stream_options` into fields of
    `Abilities`. Raises `InvalidFeatures`."""
    if not text.strip():
        return {}
    given: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InvalidFeatures(f"{part.strip()!r} is not name=value")
        given[name.strip()] = value.strip()
    return _check(given)


def _check(given: Mapping[str, str]) -> dict[str, Any]:
    known = set(Abilities.__struct_fields__)
    if unknown := sorted(given.keys() - known):
        raise InvalidFeatures(f"{unknown[0]!r} is none of {', '.join(sorted(known))}")
    changes: dict[str, object] = dict(given)
    if "without" in given:
        changes["without"] = frozenset(given["without"].split())
        if strange := sorted(frozenset(given["without"].split()) - set(OPTIONAL_FIELDS)):
            raise InvalidFeatures(f"{strange[0]!r} is none of {', '.join(OPTIONAL_FIELDS)}")
    try:
        abilities = msgspec.convert(changes, type=Abilities, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidFeatures(str(error)) from None
    return {name: getattr(abilities, name) for name in given}


def _next_output(output: StructuredOutput, refused: Feature) -> StructuredOutput | None:
    """One step down, or several when the refusal says that the steps between would be refused too."""
    ladder = list(StructuredOutput)
    after = {
        Feature.STRICT_SCHEMA: StructuredOutput.SCHEMA,
        Feature.JSON_SCHEMA: StructuredOutput.OBJECT,
        Feature.RESPONSE_FORMAT: StructuredOutput.PROMPT,
    }[refused]
    position = max(ladder.index(output) + 1, ladder.index(after))
    return ladder[position] if position < len(ladder) else None
