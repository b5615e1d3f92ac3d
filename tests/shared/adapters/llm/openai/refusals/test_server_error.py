"""Errors as servers write them: the long texts, the statuses of proxies, and the waits that they ask for."""

import pytest
from tests.simulators.scripted_server import message_of

from shared.adapters.llm.openai.refusals.errors import to_provider_error
from shared.adapters.llm.openai.refusals.server_error import read_server_error
from shared.domain.provider_errors import Blame, ContextTooLong

TOO_LONG: list[tuple[str, int, object, int]] = [
    ("ollama", 400, message_of("input length exceeds the context length"), 0),
    ("ollama2", 500, {"error": "llama runner: input (5000 tokens) exceeds context window (4096)"}, 4096),
    ("ollama3", 400, message_of("prompt too long; exceeded max context length by 512 tokens"), 0),
    (
        "tgi",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 200 `max_new_tokens`",
            "error_type": "validation",
        },
        4096,
    ),
    (
        "tgi2",
        422,
        {
            "error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000",
            "error_type": "validation",
        },
        1024,
    ),
    (
        "sglang",
        400,
        message_of("The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
        4096,
    ),
    (
        "sglang2",
        400,
        message_of(
            "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens"
        ),
        4096,
    ),
    (
        "sglang3",
        400,
        {
            "object": "error",
            "message": "Input length (5000 tokens) exceeds the maximum allowed length (4090 tokens). Use a shorter input or enable --allow-auto-truncate.",
            "type": "Bad Request",
            "code": 400,
        },
        4090,
    ),
    (
        "trt",
        400,
        message_of(
            "Encountered an error when fetching new request: Prompt length (5000) exceeds maximum input length (4096). Set log level to info and check TRTGptModel logs"
        ),
        4096,
    ),
    (
        "trt2",
        400,
        message_of(
            "The sum of prompt length (5000.0), query length (0) should not exceed max_num_tokens (4096)"
        ),
        4096,
    ),
    (
        "together",
        422,
        message_of(
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens"
        ),
        8193,
    ),
    (
        "groq",
        413,
        {
            "error": {
                "message": "Request too large for model `llama-3.1-8b-instant` in organization `x` on tokens per minute (TPM): Limit 6000, Requested 9000",
                "type": "tokens",
                "code": "rate_limit_exceeded",
            }
        },
        0,
    ),
    ("groq2", 400, message_of("Please reduce the length of the messages or completion."), 0),
    (
        "mistral",
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        32768,
    ),
    (
        "mistral2",
        422,
        {
            "object": "error",
            "message": {
                "detail": [
                    {
                        "msg": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"
                    }
                ]
            },
            "type": "invalid_request_message_order",
        },
        32768,
    ),
    (
        "deepseek",
        400,
        message_of(
            "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (139000 in the messages, 1000 in the completion)."
        ),
        131072,
    ),
    (
        "anthropic",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 205000 tokens > 200000 maximum",
            },
        },
        200000,
    ),
    (
        "anthropic2",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "input length and `max_tokens` exceed context limit: 198000 + 8000 > 200000, decrease input length or `max_tokens` and try again",
            },
        },
        200000,
    ),
    (
        "gemini",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        1048576,
    ),
    (
        "gemini2",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count exceeds the maximum number of tokens allowed 1048576.",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        1048576,
    ),
    (
        "lmstudio",
        400,
        {
            "error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input"
        },
        4096,
    ),
    (
        "lmstudio2",
        400,
        {
            "error": "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input"
        },
        0,
    ),
    (
        "azure",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 16385 tokens. However, your messages resulted in 20000 tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
        16385,
    ),
    ("bedrock", 400, {"message": "Input is too long for requested model."}, 0),
    (
        "bedrock2",
        400,
        message_of(
            "ValidationException: The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again."
        ),
        0,
    ),
    (
        "bedrock3",
        400,
        message_of("too many input tokens. Max input tokens: 8192, request input token count: 9000"),
        8192,
    ),
    (
        "cohere",
        400,
        {
            "message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000. Try using a shorter prompt"
        },
        4081,
    ),
    (
        "xai",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        },
        131072,
    ),
    (
        "openrouter",
        400,
        {
            "error": {
                "message": 'This endpoint\'s maximum context length is 8192 tokens. However, you requested about 9000 tokens (8900 of text input, 100 in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',
                "code": 400,
            }
        },
        8192,
    ),
    (
        "vllm",
        400,
        {
            "object": "error",
            "message": "max_tokens must be at least 1, got -500.",
            "type": "BadRequestError",
            "code": 400,
        },
        0,
    ),
    (
        "vllm2",
        400,
        message_of(
            "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 200 input tokens (5000 > 4096 - 200)."
        ),
        4096,
    ),
    (
        "vllm3",
        400,
        message_of(
            "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller than the number of text tokens."
        ),
        4096,
    ),
    (
        "llamacpp",
        400,
        {
            "error": {
                "code": 400,
                "message": "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5000,
                "n_ctx": 4096,
            }
        },
        4096,
    ),
    ("fireworks", 400, message_of("The prompt is too long: 9000, model maximum context length: 8191"), 8191),
    (
        "openai",
        400,
        message_of(
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens. Please reduce the length of the messages."
        ),
        272000,
    ),
    ("moonshot", 400, message_of("Invalid request: Your request exceeded model token limit: 8192"), 8192),
    ("zhipu", 400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}, 0),
    ("dashscope", 400, message_of("Range of input length should be [1, 30720]"), 30720),
    ("databricks", 400, message_of("Input is too long. Exceeded max_input_tokens"), 0),
    (
        "watsonx",
        400,
        {
            "errors": [
                {
                    "code": "invalid_input_argument",
                    "message": "the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model",
                }
            ]
        },
        4096,
    ),
    ("mlx", 400, message_of("context_length_exceeded"), 0),
    ("deepinfra", 400, {"detail": {"error": "inputs are too long: 9000 tokens, max 8192"}}, 0),
    (
        "cerebras",
        400,
        message_of(
            "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192"
        ),
        8192,
    ),
]
"""Server, status, body and the window that it tells."""


@pytest.mark.parametrize(("server", "status", "body", "window"), TOO_LONG)
def test_a_text_that_is_too_long_is_known_by_every_server_s_words(
    server: str, status: int, body: object, window: int
) -> None:
    said = read_server_error(body, status, {})
    assert said.kind is ContextTooLong
    assert said.window == window


@pytest.mark.parametrize("status", [421, 423, 424, 444, 498, 499, *range(520, 528), 529, 530, 598, 599])
def test_a_status_of_a_proxy_is_the_server_s_fault(status: int) -> None:
    assert to_provider_error(read_server_error("<html>", status, {})).blames is Blame.SERVER


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 1m30s.", 90.0),
        ("Please retry after 20 seconds", 20.0),
        ("Please try again in 5 minutes", 300.0),
        ("try again in 120ms", 0.12),
        ("Please try again in 2 min", 120.0),
    ],
)
def test_a_wait_is_read_from_the_message(message: str, seconds: float) -> None:
    assert to_provider_error(read_server_error(message_of(message), 429, {})).retry_after == seconds
