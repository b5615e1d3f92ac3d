"""What known servers write when they refuse a request, as patterns: the last resort where neither code, type nor status tells.

Each pattern names the servers it was made for. Messages are matched here and then dropped: they may hold the learner's words.
"""

import re
from collections.abc import Iterable, Sequence

from shared.adapters.llm.openai.ladder.abilities import OPTIONAL_FIELDS, Feature

MAX_CHARACTERS = 4_000
"""How much of a message is searched."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


TOO_LONG = _any(
    r"context (?:length|window|size)",  # vLLM, llama.cpp, llama-cpp-python, DeepSeek, OpenRouter, LM Studio, SGLang
    r"too large for model with \d+ maximum context",  # Mistral
    r"prompt is too long|input (?:is|length is) too long|input length exceeds",  # Anthropic, Bedrock, Ollama
    r"input token count .{0,40}exceeds",  # Gemini
    r"inputs?`? tokens \+ .{0,40}must be <=",  # Text Generation Inference, Together
    r"reduce the length of (?:the|your) (?:messages|prompt|input)",  # Groq, Azure
    r"too many tokens",  # Cohere
    r"maximum (?:input|prompt|sequence|model|allowed)(?: sequence)? length",  # TensorRT-LLM, Triton, xAI, vLLM, SGLang
    r"length .{0,60}should not exceed max_num_tokens",  # TensorRT-LLM
    r"exceed(?:s|ed)? (?:the )?(?:context limit|model token limit|max(?:imum)? length|max_input_tokens)",  # Anthropic, Moonshot, GLM
    r"input tokens exceed(?:ed| the)|too many input tokens|input tokens .{0,20}cannot exceed",  # Bedrock, OpenAI, watsonx
    r"inputs?`? (?:must have less than|are too long)",  # Text Generation Inference, DeepInfra
    r"range of input length should be",  # DashScope
    r"max_tokens must be at least 1, got -",  # vLLM, which subtracts the prompt from its window
    r"context_length_exceeded",  # servers without a field for the code
)
WINDOWS = (
    _any(r"maximum context length(?: is|:)?\D{0,20}(\d{3,8})"),  # vLLM, DeepSeek, OpenRouter, Fireworks
    _any(r"context window (?:of |\()(\d{3,8})"),  # llama-cpp-python, Ollama
    _any(r"context length of (?:only )?(\d{3,8})"),  # LM Studio
    _any(r"context length \((\d{3,8})"),  # SGLang
    _any(r"model with (\d{3,8}) maximum context"),  # Mistral
    _any(r"context size\D{0,30}\((\d{3,8})"),  # llama.cpp
    _any(r"tokens > (\d{3,8}) maximum"),  # Anthropic
    _any(r"maximum number of tokens allowed \((\d{3,8})"),  # Gemini
    _any(r"must be <= (\d{3,8})|must have less than (\d{3,8}) tokens"),  # Text Generation Inference
    _any(r"maximum allowed length \((\d{3,8})"),  # SGLang
    _any(r"exceeds maximum input length \((\d{3,8})|max_num_tokens \((\d{3,8})"),  # TensorRT-LLM
    _any(r"context limit: \d+ \+ \d+ > (\d{3,8})"),  # Anthropic
    _any(r"number of tokens allowed (\d{3,8})"),  # Gemini
    _any(r"max input tokens: (\d{3,8})"),  # Bedrock
    _any(r"cannot exceed (?:the total tokens limit )?(\d{3,8})"),  # Cohere, watsonx
    _any(r"maximum prompt length is (\d{3,8})"),  # xAI
    _any(r"maximum model length of (\d{3,8})"),  # vLLM
    _any(r"configured limit of (\d{3,8})"),  # OpenAI
    _any(r"model token limit: (\d{3,8})"),  # Moonshot
    _any(r"input length should be \[\d+, (\d{3,8})\]"),  # DashScope
    _any(r"while limit is (\d{3,8})"),  # Cerebras
)
OUTPUT_LIMITS = (
    _any(r"supports at most (\d{3,8}) completion tokens"),  # OpenAI
    _any(r"max_(?:completion_)?tokens`? must be less than or equal to `?(\d{3,8})"),  # Groq
    _any(r"max_(?:completion_)?tokens is \[\d+, (\d{3,8})\]"),  # DeepSeek
    _any(r"max_tokens: \d+ > (\d{3,8})"),  # Anthropic
)
WAIT = _any(
    r"(?:try again|retry) (?:in|after) (?:(\d{1,4})m(?!s|i))?\s?(\d{1,6}(?:\.\d{1,9})?)\s?(ms|s|min)",  # OpenAI, Groq, Azure, Gemini
)
WAIT_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}
REFUSED = _any(
    r"content management policy|responsible ?ai",  # Azure
    r"content (?:policy|filter)|(?:input|prompt) was flagged|requires moderation",  # OpenAI, OpenRouter
    r"blocked .{0,40}safety|safety (?:system|settings|filter)",  # Gemini
    r"inappropriate content|content exists risk",  # Qwen, DeepSeek
    r"violat\w+ .{0,60}polic(?:y|ies)|usage polic(?:y|ies)",  # OpenAI, Anthropic, Groq, Together
)
STRICT_UNKNOWN = _any(
    r"[\"'`.]strict\b|\bstrict (?:mode|schema|json|structured|output|tool)",
    r"(?:argument|parameter|field|property|key|input|name)s?(?: supplied)?:? strict\b",
)
"""The field `strict`, and not the adjective of a policy."""
SCHEMA_UNKNOWN = _any(
    r"json_schema",  # DeepSeek, LM Studio ("must be 'json_schema' or 'text'" is caught by TEXT_OR_SCHEMA before)
    r"must be .{0,20}json_object",  # llama-cpp-python
    r"guided|grammar|structured (?:output|response)",  # vLLM without a backend, llama.cpp
)
TEXT_OR_SCHEMA = _any(r"must be .{0,20}json_schema")
"""LM Studio takes a schema and text, and no `json_object`."""


def is_too_long(message: str) -> bool:
    return TOO_LONG.search(message) is not None


def is_refusal(message: str) -> bool:
    return REFUSED.search(message) is not None


def read_window(message: str) -> int:
    """The model's window in tokens, 0 if the message does not say it."""
    return _number(message, WINDOWS)


def read_output_limit(message: str) -> int:
    """The most tokens of a completion, 0 if the message does not say it."""
    return _number(message, OUTPUT_LIMITS)


def read_wait(message: str, delays: Sequence[object] = ()) -> float | None:
    """The seconds that a message asks to wait. `delays` are Gemini's, such as `19s`, which go before."""
    said = " ".join([*(f"retry in {delay}" for delay in delays if delay), message])
    if (found := WAIT.search(said)) is None:
        return None
    return 60 * int(found[1] or 0) + float(found[2]) * WAIT_UNITS[found[3].lower()]


def find_feature(message: str, parameter: str) -> str:
    """The field or feature of ours that was refused; empty if none is named. `parameter` is what the server says it is."""
    if parameter in OPTIONAL_FIELDS:
        return parameter
    for name in OPTIONAL_FIELDS:
        if re.search(name if "_" in name else rf"[\"'`]{name}[\"'`]", message):
            return name
    return _find_output_feature(message, parameter) or _find_limit(message, parameter)


def _find_output_feature(message: str, parameter: str) -> str:
    both = f"{parameter} {message}"
    if TEXT_OR_SCHEMA.search(message):
        return Feature.RESPONSE_FORMAT
    if STRICT_UNKNOWN.search(message) or parameter.endswith("strict"):
        return Feature.STRICT_SCHEMA
    if SCHEMA_UNKNOWN.search(both):
        return Feature.JSON_SCHEMA
    return Feature.RESPONSE_FORMAT if "response_format" in both else ""


def _find_limit(message: str, parameter: str) -> str:
    """The first of the two fields that is named, because the second is what the server advises."""
    found = re.search(r"max_completion_tokens|max_tokens", f"{parameter} {message}")
    return found[0] if found else ""


def _number(message: str, patterns: Iterable[re.Pattern[str]]) -> int:
    found = (pattern.search(message) for pattern in patterns)
    return next((int(match[match.lastindex or 0]) for match in found if match), 0)
