"""What servers other than OpenAI's send, each in its smallest form: refusals, wrappings, token counts and streams."""

import asyncio
import gzip
import json
from collections.abc import Callable
from contextlib import aclosing

import msgspec
import pytest
from tests.shared.adapters.llm.openai.scripted_provider import CARDS, DRAFTS, GOOD, PROMPT, serving
from tests.simulators.scripted_server import (
    EVENTS,
    Body,
    Response,
    ScriptedServer,
    chunk,
    completion,
    message_of,
    refusal,
    stream,
)

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import (
    COMPATIBLE,
    OPTIONAL_FIELDS,
    Abilities,
    LimitField,
    StructuredOutput,
    ThinkingStyle,
)
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.openai.refusals.retry_after import MAX_RETRY_AFTER_SECONDS
from shared.adapters.llm.openai.transport import MAX_RESPONSE_BYTES
from shared.domain.llm.provider import ChatRequest, Message
from shared.domain.provider_errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderRejected,
    ProviderTimedOut,
    ProviderUnavailable,
)
from shared.domain.study.material import (
    CardDrafts,
    SummaryDraft,
    TextDraft,
)
from shared.domain.usage import Usage

# -- whose fault it is --------------------------------------------------------------------------------------------

TOO_LONG: list[tuple[int, object, int]] = [
    (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        4096,
    ),
    (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 9001,
                "n_ctx": 4096,
            }
        },
        4096,
    ),
    (400, message_of("Requested tokens (9001) exceed context window of 4096"), 4096),
    (500, message_of("Requested tokens (9001) exceed context window of 4096"), 4096),
    (
        400,
        message_of("Prompt contains 9001 tokens, too large for model with 4096 maximum context length"),
        4096,
    ),
    (
        400,
        message_of("The input (9001 tokens) is longer than the model's context length (4096 tokens)."),
        4096,
    ),
    (400, message_of("prompt is too long: 9001 tokens > 4096 maximum"), 4096),
    (422, message_of("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9001"), 4096),
    (
        400,
        message_of("The input token count (9001) exceeds the maximum number of tokens allowed (4096)."),
        4096,
    ),
    (400, message_of("model is loaded with context length of only 4096 tokens"), 4096),
    (
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {"raw": '{"message":"This model\'s maximum context length is 4096 tokens."}'},
            }
        },
        4096,
    ),
    (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count exceeds the maximum number of tokens allowed (4096).",
                }
            }
        ],
        4096,
    ),
    (200, message_of("model is loaded with context length of only 4096 tokens"), 4096),
    (400, message_of("Please reduce the length of the messages or completion."), 0),
    (400, {"error": "input length exceeds the context length"}, 0),
    (400, message_of("This model's maximum context length is 600 tokens."), 0),
    (413, {"error": {"message": "Request too large", "type": "tokens", "code": "rate_limit_exceeded"}}, 0),
]


@pytest.mark.parametrize(("status", "body", "window"), TOO_LONG)
async def test_a_text_beyond_the_window_is_this_request_s_fault_and_teaches_the_window(
    status: int, body: object, window: int
):
    async with serving(refusal(status, body)) as setting:
        with pytest.raises(ContextTooLong):
            await setting.ask()
        assert len(setting.server.requests) == (2 if window else 1), (
            "once more, with less room, where the text fits"
        )
        assert setting.learned.current.window == window


async def test_a_completion_that_does_not_fit_is_asked_for_with_less_room():
    def respond(body: Body) -> Response:
        limit = body["max_completion_tokens"]
        if limit > 895:
            message = (
                f"'max_tokens' is too large: {limit}. This model's maximum context length is 1030 tokens"
            )
            return refusal(400, message_of(message))
        return completion(GOOD)

    async with serving(respond) as setting:
        assert (await setting.ask()).value == CARDS
        assert len(setting.server.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
async def test_a_pace_or_an_account_is_not_taken_for_a_long_text(status: int):
    async with serving(
        refusal(status, message_of("Too many tokens, please wait. The context window"))
    ) as setting:
        with pytest.raises(ProviderError) as raised:
            await setting.ask()
        assert type(raised.value) is not ContextTooLong
        assert raised.value.retry_after is None


async def test_a_known_window_refuses_without_a_call():
    async with serving(completion(GOOD)) as setting:
        await setting.learned.learn(COMPATIBLE, msgspec.structs.replace(COMPATIBLE, window=512))
        with pytest.raises(ContextTooLong):
            await setting.ask()
        assert not setting.server.requests


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, message_of("something else is wrong"), ProviderRejected),
        (403, message_of("no"), ProviderRejected),
        (404, message_of("no such thing"), ProviderRejected),
        (
            422,
            {"detail": [{"loc": ["body", "messages"], "msg": "invalid", "type": "value_error"}]},
            ProviderRejected,
        ),
        (400, message_of("Your input was flagged by moderation"), ProviderRefused),
        (403, message_of("The model requires moderation on this endpoint"), ProviderRefused),
        (401, message_of("who are you"), ProviderMisconfigured),
        (404, {"error": {"message": "x", "code": "model_not_found"}}, ProviderRejected),
        (400, ["not", "an", "object"], ProviderRejected),
        (400, "text", ProviderRejected),
        (500, message_of("boom"), ProviderUnavailable),
        # Gemini: a list, and a bad key told with status 400
        (
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": "API key not valid.",
                        "status": "INVALID_ARGUMENT",
                        "details": [{"reason": "API_KEY_INVALID"}],
                    }
                }
            ],
            ProviderMisconfigured,
        ),
        (400, [{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}], ProviderRejected),
        # vLLM's unknown model, Moonshot's and LiteLLM's empty account
        (
            404,
            {"object": "error", "message": "x", "type": "NotFoundError", "code": 404},
            ProviderRejected,
        ),
        (429, {"error": {"message": "x", "type": "exceeded_current_quota_error"}}, ProviderOutOfCredit),
        (400, {"error": {"message": "x", "type": "budget_exceeded", "code": "400"}}, ProviderOutOfCredit),
        # Groq: the model wrote no JSON, which teaches nothing about the server
        (
            400,
            {"error": {"message": "Failed to validate JSON", "code": "json_validate_failed"}},
            ProviderGarbled,
        ),
        # a status in the body of a response of status 200: OpenRouter, LM Studio
        (200, {"error": {"code": 429, "message": "slow"}}, ProviderBusy),
        (200, {"error": {"code": 402, "message": "pay"}}, ProviderOutOfCredit),
        (200, {"error": {"code": 400, "message": "no"}}, ProviderRejected),
        (200, {"error": {"code": 502, "message": "down"}}, ProviderUnavailable),
        (200, {"error": "a string"}, ProviderUnavailable),
    ],
)
async def test_a_refusal_blames_whom_it_should(status: int, body: object, error: type[ProviderError]):
    async with serving(refusal(status, body)) as setting:
        with pytest.raises(ProviderError) as raised:
            await setting.ask()
        assert type(raised.value) is error
        assert raised.value.usage == Usage()
        assert setting.learned.current == COMPATIBLE, "a refusal that explains nothing teaches nothing"


async def test_a_wait_of_ten_years_is_shortened():
    async with serving(refusal(429, message_of("slow"), retry_after="315360000")) as setting:
        with pytest.raises(ProviderBusy) as raised:
            await setting.ask()
        assert raised.value.retry_after == MAX_RETRY_AFTER_SECONDS


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (message_of("Rate limit reached. Please try again in 7.66s. Visit us"), 7.66),
        (message_of("Please try again in 1m2.5s."), 62.5),
        (message_of("Please try again in 120ms."), 0.12),
        (message_of("Please retry after 20 seconds."), 20.0),
        ([{"error": {"code": 429, "message": "x", "details": [{"retryDelay": "19s"}]}}], 19.0),
        (message_of("Please try again in 9999999 s"), None),
        (message_of("slow"), None),
    ],
)
async def test_a_wait_that_only_the_message_names_is_kept(body: object, seconds: float | None):
    async with serving(refusal(429, body)) as setting:
        with pytest.raises(ProviderBusy) as raised:
            await setting.ask()
        assert raised.value.retry_after == seconds


# -- the ladder of abilities --------------------------------------------------------------------------------------


def knows(
    *,
    outputs: tuple[str, ...] = ("json_schema", "json_object"),
    unknown: tuple[str, ...] = (),
    status: int = 400,
    text: str = "{name} is not supported",
) -> Callable[[Body], Response]:
    """A server that refuses types of `response_format` beside `outputs`, and the fields in `unknown`."""

    def respond(body: Body) -> Response:
        kind = body.get("response_format", {}).get("type")
        if kind and kind not in outputs:
            return refusal(status, message_of(text.format(name=f"response_format type {kind}")))
        if name := next((name for name in unknown if name in body), None):
            return refusal(status, message_of(text.format(name=f"'{name}'")))
        return completion(GOOD, usage={"prompt_tokens": 60, "completion_tokens": 30})

    return respond


JSON_OBJECT = msgspec.structs.replace(COMPATIBLE, structured_output=StructuredOutput.OBJECT)
MAX_TOKENS = msgspec.structs.replace(COMPATIBLE, limit_field=LimitField.OUTPUT)
LADDER = [
    (knows(outputs=("json_object",), text="This {name} is unavailable now"), JSON_OBJECT),
    (knows(outputs=("json_object",), text="{name}: must be 'text' or 'json_object'"), JSON_OBJECT),
    (
        knows(outputs=("json_object",), text="{name}: must be 'text' or 'json_object'", status=500),
        JSON_OBJECT,
    ),
    (knows(outputs=(), text="Unrecognized request argument: {name}"), None),
    (
        knows(unknown=("max_completion_tokens",), status=422, text="Extra inputs are not permitted: {name}"),
        MAX_TOKENS,
    ),
    (
        knows(
            unknown=("max_completion_tokens",),
            text="Unsupported parameter: {name}. Use 'max_tokens' instead.",
        ),
        MAX_TOKENS,
    ),
    (knows(outputs=(), unknown=("max_completion_tokens",), text="no {name} here"), None),
    (knows(outputs=("json_object",), status=200), JSON_OBJECT),
    (knows(unknown=("max_completion_tokens",), status=200, text="Unsupported parameter: {name}"), MAX_TOKENS),
    (knows(outputs=(), unknown=("max_completion_tokens",), text="I will not say why"), None),
]


@pytest.mark.parametrize(("respond", "expected"), LADDER)
async def test_a_refused_feature_is_left_out_from_then_on(
    respond: Callable[[Body], Response], expected: Abilities | None
):
    async with serving(respond) as setting:
        first = await setting.ask()
        calls = len(setting.server.requests)
        second = await setting.ask()

        assert first.value == second.value == CARDS
        assert first.usage == Usage(60, 30), "a refusal costs nothing"
        assert len(setting.server.requests) == calls + 1, "the refusal is remembered"
        if expected is not None:
            assert setting.learned.current == expected


async def test_the_shape_stands_in_the_prompt_where_the_server_takes_no_schema():
    async with serving(knows(outputs=("json_object",))) as setting:
        await setting.ask()
        body = setting.server.requests[-1]
        assert body["response_format"] == {"type": "json_object"}
        assert '"cards"' in body["messages"][0]["content"]


@pytest.mark.parametrize("name", [name for name in OPTIONAL_FIELDS if name not in COMPATIBLE.without])
async def test_an_unknown_field_is_left_out_of_chats(name: str):
    def respond(body: Body) -> Response:
        if name in body:
            return refusal(400, message_of(f"unknown field '{name}'"))
        return stream([chunk("Ada"), chunk(finish_reason="stop")])

    async with ScriptedServer(respond) as server:
        learned = LearnedAbilities(COMPATIBLE, model="m")
        provider = OpenAIProvider(
            connect("key", base_url=server.url), model="m", reasoning_effort="low", learned=learned
        )
        request = ChatRequest(messages=[Message("user", "Who?")], language="en", max_output_tokens=50)
        for _ in range(2):
            async with aclosing(provider.stream(request)) as deltas:
                assert "".join([delta.text async for delta in deltas]) == "Ada"
        assert len(server.requests) == 3
        await provider.close()


@pytest.mark.parametrize("framing", ["json", "events"])
async def test_a_field_refused_within_a_stream_of_status_200_is_left_out(framing: str):
    refused = {
        "error": {"message": "Unsupported parameter: 'stream_options'", "code": "unsupported_parameter"}
    }

    def respond(body: Body) -> Response:
        if "stream_options" not in body:
            return stream([chunk("Ada"), chunk(finish_reason="stop")])
        return stream([refused]) if framing == "events" else refusal(200, refused)

    async with serving(respond) as setting:
        for _ in range(2):
            assert "".join([delta.text for delta in await setting.chat()]) == "Ada"
        assert len(setting.server.requests) == 3
        assert "stream_options" in setting.learned.current.without


MODERATED = [
    "Your request was rejected as a result of our strict safety system.",
    "This prompt violates our strict usage policies.",
    "Output blocked by content filtering policy, which is strict about schema and response_format",
]


@pytest.mark.parametrize("message", MODERATED)
@pytest.mark.parametrize("status", [400, 422])
async def test_a_moderated_text_is_asked_for_once(message: str, status: int):
    async with serving(refusal(status, message_of(message))) as setting:
        with pytest.raises(ProviderRefused):
            await setting.ask()
        assert len(setting.server.requests) == 1
        assert setting.learned.current == COMPATIBLE


async def test_a_server_that_counts_too_much_and_knows_one_limit_field_keeps_it():
    """It reports more tokens than the limit, which looks like a field it ignores, and refuses the other field."""

    def respond(body: Body) -> Response:
        if "max_tokens" in body:
            return refusal(
                400, message_of("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
            )
        return completion(GOOD, usage={"prompt_tokens": 60, "completion_tokens": 5_000})

    async with serving(respond) as setting:
        for _ in range(4):
            assert (await setting.ask()).value == CARDS
        assert len(setting.server.requests) == 5
        assert setting.learned.current.limit_field is LimitField.COMPLETION


def excerpt(text: str) -> str:
    return f"{text[:40]}...{text[-60:]}"


ECHOES: list[Callable[[str], str]] = [str, str.upper, repr, json.dumps, excerpt]


WRITTEN_BY_A_LEARNER = [
    "This model's maximum\ncontext length is\n600 tokens. 'stream_options' json_schema max_completion_tokens",
    "Range of input length should be [1, 600]",
    "Please reduce the length of your input while limit is 600",
]


@pytest.mark.parametrize("words", WRITTEN_BY_A_LEARNER)
@pytest.mark.parametrize("echo", ECHOES)
async def test_a_learner_s_words_in_a_refusal_teach_nothing(echo: Callable[[str], str], words: str):
    """The server repeats the source, in which a learner wrote what servers write."""
    prompt = msgspec.structs.replace(PROMPT, source=words)
    async with serving(refusal(400, message_of(f"cannot process: {echo(words)}"))) as setting:
        with pytest.raises(ProviderError):
            await setting.provider.complete(prompt, CardDrafts)
        assert setting.learned.current == COMPATIBLE


async def test_a_smaller_output_limit_is_learned():
    def respond(body: Body) -> Response:
        limit = body["max_completion_tokens"]
        if limit > 500:
            return refusal(
                400,
                message_of(
                    f"max_tokens is too large: {limit}. This model supports at most 500 completion tokens"
                ),
            )
        return completion(GOOD)

    async with serving(respond) as setting:
        await setting.ask()
        await setting.ask()
        assert [body["max_completion_tokens"] for body in setting.server.requests] == [900, 500, 500]


# -- wrappings ----------------------------------------------------------------------------------------------------


def bare_list(text: str) -> str:
    fields = json.loads(text)
    return json.dumps(next(iter(fields.values()))) if len(fields) == 1 else text


WRAPPINGS: dict[str, Callable[[str], object]] = {
    "plain": lambda text: text,
    "fence": lambda text: f"```json\n{text}\n```",
    "fence_without_language": lambda text: f"```\n{text}\n```\n",
    "thinking": lambda text: f'<think>\nLet me see {{cards}} [1]: {{"cards": []}}\n</think>\n\n{text}',
    "thinking_begun_by_the_template": lambda text: f"I should write JSON.\n</think>\n{text}",
    "magistral": lambda text: f"[THINK]hm[/THINK]{text}",
    "channels": lambda text: (
        f"<|channel|>analysis<|message|>We need it.<|end|><|start|>assistant<|channel|>final<|message|>{text}"
    ),
    "prose": lambda text: f"Here you are: {text} Hope it helps!",
    "prose_with_brackets": lambda text: f"As {{asked}} [see 1]:\n{text}\n(That was {{all}}.)",
    "example_before": lambda text: f'As in {{"cards": [], "text": ""}}:\n{text}',
    "byte_order_mark": lambda text: "\ufeff" + text,
    "blanks": lambda text: f"\n\n \u200b{text}\n\n",
    "trailing_comma": lambda text: text[:-1] + ",}",
    "comment": lambda text: "{ // as asked\n" + text[1:],
    "bare_list": bare_list,
    "wrapped": lambda text: json.dumps({"result": json.loads(text)}),
    "unknown_key": lambda text: json.dumps({"note": "done", **json.loads(text)}),
    "duplicate_key": lambda text: (
        '{"cards": 1, "questions": 1, "text": 1, "summary": 1, "explanation": 1, "title": 1, ' + text[1:]
    ),
    "list_of_parts": lambda text: [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": text[:9]},
        {"type": "text", "text": text[9:]},
    ],
    "object": json.loads,
    "encoded_twice": json.dumps,
    "escaped": lambda text: json.dumps(text)[1:-1],
    "encoded_twice_in_a_fence": lambda text: f"```json\n{json.dumps(text)}\n```",
    "two_fences": lambda text: f"```json\n{text}\n```\nAgain:\n```json\n{text}\n```",
    "inner_values_encoded": lambda text: json.dumps(
        {
            name: json.dumps(value) if isinstance(value, list) else value
            for name, value in json.loads(text).items()
        }
    ),
    "raw_line_breaks": lambda text: text.replace("\\n", "\n"),
    "single_quotes": lambda text: text if "'" in text else repr(json.loads(text)),
}


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: type(draft).__name__)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
async def test_a_good_completion_is_read_whatever_is_around_it(wrapping: str, draft: object):
    text = msgspec.json.encode(draft).decode()
    async with serving(completion(WRAPPINGS[wrapping](text))) as setting:
        answer = await setting.ask(type(draft))
        assert answer.value == draft
        assert len(setting.server.requests) == 1


CALLS: dict[str, Callable[[str], Body]] = {
    "tool_calls": lambda text: {
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": text}}]
    },
    "arguments_as_an_object": lambda text: {"tool_calls": [{"function": {"arguments": json.loads(text)}}]},
    "function_call": lambda text: {"function_call": {"name": "f", "arguments": text}},
    "tool_use": lambda text: {"content": [{"type": "tool_use", "name": "f", "input": json.loads(text)}]},
}


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: type(draft).__name__)
@pytest.mark.parametrize("name", CALLS)
async def test_a_completion_in_the_arguments_of_a_function_is_read(name: str, draft: object):
    message = {"role": "assistant", "content": None, **CALLS[name](msgspec.json.encode(draft).decode())}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    async with serving(refusal(200, {"choices": choices})) as setting:
        assert (await setting.ask(type(draft))).value == draft
        assert len(setting.server.requests) == 1


async def test_cards_that_are_spread_over_two_fences_are_joined():
    other = msgspec.structs.replace(CARDS.cards[0], front="Who wrote the program?")
    second = msgspec.json.encode(CardDrafts([other, *CARDS.cards])).decode()
    async with serving(completion(f"```json\n{GOOD}\n```\nAnd more:\n```json\n{second}\n```")) as setting:
        assert (await setting.ask()).value.cards == [*CARDS.cards, other]


async def test_the_choice_that_was_asked_for_is_read():
    choices = [
        {"index": number, "message": {"content": text}, "finish_reason": "stop"}
        for number, text in ((1, "other"), (0, GOOD))
    ]
    async with serving(refusal(200, {"choices": choices})) as setting:
        assert (await setting.ask()).value == CARDS


async def test_latin_1_is_read_where_the_server_names_it():
    text = json.dumps(json.loads(GOOD), ensure_ascii=False).replace("Who", "Qui, à Évry,")
    body = json.dumps({"choices": [{"message": {"content": text}}]}, ensure_ascii=False).encode("latin-1")
    async with serving(Response(body=body, content_type="application/json; charset=ISO-8859-1")) as setting:
        assert (await setting.ask()).value.cards[0].front == "Qui, à Évry, wrote it?"


async def test_a_byte_order_mark_before_the_reply_is_passed_over():
    body = b"\xef\xbb\xbf" + json.dumps({"choices": [{"message": {"content": GOOD}}]}).encode()
    async with serving(Response(body=body)) as setting:
        assert (await setting.ask()).value == CARDS


@pytest.mark.parametrize("nul", ["\\u0000", "\x00"])
async def test_a_nul_is_replaced_because_postgres_stores_none(nul: str):
    async with serving(completion(GOOD.replace("Who wrote", f"Who{nul}wrote"))) as setting:
        assert (await setting.ask()).value.cards[0].front == "Who\ufffdwrote it?"


async def test_a_reply_nested_200_000_deep_is_garbled_and_harms_nobody():
    async with serving(completion("[" * 200_000)) as setting:
        with pytest.raises(ProviderGarbled):
            await setting.ask()
        assert len(setting.server.requests) == 2
        assert len(str(setting.server.requests[1])) < 10_000, "the rejected text is sent back in part"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"choices":' * 50_000,
        b"<html>",
        b"",
        b"null",
        b"[]",
        b'{"choices": {}}',
        b"\xff\xfe",
    ],
)
async def test_a_body_that_is_no_completion_is_the_server_s_fault(body: bytes):
    async with serving(Response(body=body)) as setting:
        with pytest.raises(ProviderUnavailable):
            await setting.ask()
        assert len(setting.server.requests) == 1


async def test_a_body_beyond_all_bounds_is_not_read_to_its_end():
    async with serving(Response(body=b" " * (MAX_RESPONSE_BYTES + 1))) as setting:
        with pytest.raises(ProviderUnavailable):
            await setting.ask()


async def test_a_compressed_body_is_not_unpacked():
    body = gzip.compress(b" " * 100)
    async with serving(Response(body=body, headers={"content-encoding": "gzip"})) as setting:
        with pytest.raises(ProviderUnavailable):
            await setting.ask()


@pytest.mark.parametrize("error", [False, "", "none", {"code": 0, "message": ""}])
async def test_an_error_field_beside_a_completion_is_no_error(error: object):
    async with serving(completion(GOOD, error=error)) as setting:
        assert (await setting.ask()).value == CARDS


@pytest.mark.parametrize(
    ("empty", "schema"),
    [
        ('{"cards": []}', CardDrafts),
        ('{"summary": " ", "key_points": []}', SummaryDraft),
        ('{"text": ""}', TextDraft),
    ],
)
async def test_an_empty_completion_is_asked_for_once_more_and_then_blames_the_model(empty: str, schema: type):
    async with serving(completion(empty)) as setting:
        with pytest.raises(ProviderGarbled):
            await setting.ask(schema)
        assert len(setting.server.requests) == 2
        assert "holds nothing" in setting.server.requests[1]["messages"][-1]["content"]


async def test_a_model_that_thought_up_to_the_limit_is_given_more_room():
    def respond(body: Body) -> Response:
        if body["max_completion_tokens"] < 1_800:
            usage = {"prompt_tokens": 60, "completion_tokens": 900}
            return completion(None, finish_reason="length", usage=usage)
        return completion(GOOD)

    async with serving(respond) as setting:
        assert (await setting.ask()).value == CARDS
        first, second = setting.server.requests
        assert second["messages"] == first["messages"]


async def test_the_complete_items_of_a_text_that_was_cut_twice_are_kept():
    cut = GOOD[:-2] + ', {"front": "Wh'
    async with serving(completion(cut, finish_reason="length")) as setting:
        assert (await setting.ask()).value == CARDS
        assert len(setting.server.requests) == 2


# -- token counts -------------------------------------------------------------------------------------------------

COUNTED_HERE: list[object] = [
    None,
    {},
    {"prompt_tokens": None},
    {"prompt_tokens": 10**19, "completion_tokens": 10**19},
    {"prompt_tokens": -5, "completion_tokens": -90_000},
    {"prompt_tokens": 900_000, "completion_tokens": 900_000},
    {"prompt_tokens": "many", "completion_tokens": True},
    {"prompt_tokens": [1], "completion_tokens": {}},
    "500",
    [1, 2],
]


@pytest.mark.parametrize("usage", COUNTED_HERE)
async def test_a_count_that_the_call_cannot_have_had_is_replaced_by_ours(usage: object):
    async with serving(completion(GOOD, usage=usage)) as setting:
        used = (await setting.ask()).usage
        assert 20 < used.prompt_tokens < 300
        assert 20 < used.completion_tokens < 60
        has_numbers = isinstance(usage, dict) and any(value is not None for value in usage.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
        assert setting.corrections == has_numbers


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 500, "completion_tokens": 40}, Usage(500, 40)),
        ({"prompt_tokens": 500.0, "completion_tokens": 40.0}, Usage(500, 40)),
        ({"prompt_tokens": "500", "completion_tokens": "40"}, Usage(500, 40)),
        ({"input_tokens": 500, "output_tokens": 40}, Usage(500, 40)),
        ({"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 800}, Usage(500, 300, 0, 260)),
        ({"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 10**12}, Usage(500, 40)),
    ],
)
async def test_possible_counts_are_taken_in_every_shape(usage: object, expected: Usage):
    async with serving(completion(GOOD, usage=usage)) as setting:
        assert (await setting.ask()).usage == expected
        assert setting.corrections == 0


async def test_a_count_beside_a_missing_one_is_kept():
    async with serving(completion(GOOD, usage={"prompt_tokens": 500})) as setting:
        used = (await setting.ask()).usage
        assert used.prompt_tokens == 500
        assert 20 < used.completion_tokens < 60


# -- chats --------------------------------------------------------------------------------------------------------

STREAMS: dict[str, list[Body]] = {
    "null_delta": [chunk("Ada"), {"choices": [{"index": 0, "delta": None}]}, chunk(finish_reason="stop")],
    "no_delta": [chunk("Ada"), {"choices": [{"index": 0}]}, chunk(finish_reason="stop")],
    "null_choices": [{"choices": None}, chunk("Ada"), chunk(finish_reason="stop")],
    "list_content": [chunk([{"type": "text", "text": "Ada"}]), chunk(finish_reason="stop")],
    "empty_usage": [chunk("Ada", usage={}), chunk(finish_reason="stop", usage={"prompt_tokens": 9})],
    "thinking": [
        chunk("<thi"),
        chunk("nk>hm"),
        chunk("</think>\n"),
        chunk("Ada"),
        chunk(finish_reason="stop"),
    ],
    "thinking_beside": [
        {"choices": [{"delta": {"reasoning_content": "hm", "content": None}}]},
        chunk("Ada"),
        chunk(finish_reason="stop"),
    ],
    "no_finish_reason": [chunk("A"), chunk("da")],
    "message_in_place_of_delta": [{"choices": [{"message": {"content": "Ada"}, "finish_reason": "stop"}]}],
    "another_choice": [
        chunk("A"),
        {"choices": [{"index": 1, "delta": {"content": "Bob"}, "finish_reason": "stop"}]},
        {"choices": [{"index": 1, "delta": {"content": "Bob"}}, {"index": 0, "delta": {"content": "da"}}]},
        chunk(finish_reason="stop"),
    ],
    "thinking_begun_by_the_template": [
        chunk("hm </"),
        chunk("th"),
        chunk("ink>\n\nA"),
        chunk("da"),
        chunk(finish_reason="stop"),
    ],
    "error_is_false": [chunk("Ada", error=False), chunk(finish_reason="stop")],
    "half_characters": [chunk("A"), chunk("da\ud83d"), chunk("\ude00"), chunk(finish_reason="stop")],
    "looks_like_thinking": [chunk("<"), chunk("A"), chunk("da", finish_reason="stop")],
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_is_read_whatever_its_chunks_look_like(name: str):
    async with serving(stream(STREAMS[name])) as setting:
        *pieces, last = await setting.chat()
        text = "".join(piece.text for piece in pieces)
        assert text == {"looks_like_thinking": "<Ada", "half_characters": "Ada\N{GRINNING FACE}"}.get(
            name, "Ada"
        )
        assert last.usage is not None
        assert last.usage.prompt_tokens > 0
        assert last.usage.completion_tokens > 0


UNOPENED = [
    chunk("I should "),
    chunk("say Ada. </thi"),
    chunk("nk>\n"),
    chunk("Ada"),
    chunk(finish_reason="stop"),
]
PLAIN = [chunk("A"), chunk("da"), chunk(finish_reason="stop")]


def thinking_of(*chats: list[Body]) -> Callable[[Body], Response]:
    """A server that sends each of `chats` once."""
    left = list(chats)
    return lambda _: stream(left.pop(0))


async def test_thinking_that_no_mark_opens_is_shown_to_nobody():
    async with serving(thinking_of(UNOPENED, UNOPENED)) as setting:
        for _ in range(2):
            assert "".join([delta.text for delta in await setting.chat()]) == "Ada"
            assert setting.learned.current.thinking is ThinkingStyle.UNOPENED


async def test_a_model_that_does_not_think_streams_from_its_second_chat_on():
    async with serving(thinking_of(PLAIN, PLAIN)) as setting:
        assert [delta.text for delta in await setting.chat()] == ["Ada", ""]
        assert setting.learned.current.thinking is ThinkingStyle.MARKED
        assert [delta.text for delta in await setting.chat()] == ["A", "da", ""]


async def test_thinking_that_the_limit_cut_is_not_shown():
    cut = [chunk("I should say"), chunk(finish_reason="length")]
    async with serving(thinking_of(UNOPENED, cut)) as setting:
        await setting.chat()
        (last,) = await setting.chat()
        assert last.was_cut


async def test_a_chat_that_contradicts_the_others_makes_the_style_unknown():
    async with serving(thinking_of(UNOPENED, PLAIN, PLAIN, UNOPENED)) as setting:
        styles = list[ThinkingStyle]()
        for _ in range(4):
            assert (await setting.chat())[-1].usage
            styles.append(setting.learned.current.thinking)
        assert styles == [
            ThinkingStyle.UNOPENED,
            ThinkingStyle.UNKNOWN,
            ThinkingStyle.MARKED,
            ThinkingStyle.UNKNOWN,
        ]


async def test_a_mark_that_a_learner_asked_for_teaches_nothing():
    async with serving(stream(UNOPENED)) as setting:
        await setting.chat("Repeat: < / T h i n k >")
        assert setting.learned.current.thinking is ThinkingStyle.UNKNOWN


async def test_a_server_that_does_not_stream_is_read_whole():
    async with serving(completion("Ada")) as setting:
        assert [delta.text for delta in await setting.chat()] == ["Ada", ""]


@pytest.mark.parametrize(
    ("chunks", "ends"),
    [([chunk("Ada"), chunk(finish_reason="error")], True), ([chunk("Ada")], False)],
    ids=["finish_reason_error", "no_end"],
)
async def test_a_stream_that_broke_is_told_as_broken_and_charged(chunks: list[Body], ends: bool):
    async with serving(stream(chunks, ends=ends)) as setting:
        with pytest.raises(ProviderUnavailable) as raised:
            await setting.chat()
        assert raised.value.usage.prompt_tokens > 0
        assert raised.value.usage.completion_tokens > 0


HELLO = json.dumps(chunk("Ada"))
STOP = json.dumps(chunk(finish_reason="stop"))
SPREAD = "\n".join(f"data: {line}" for line in json.dumps(chunk("Ada"), indent=1).splitlines())
EVENT_STREAMS = {
    "comments": f": OPENROUTER PROCESSING\n\n:\ndata: {HELLO}\n\n:\n\ndata: {STOP}\n\ndata: [DONE]\n\n",
    "named_events": f"event: message\nid: 1\nretry: 5\ndata: {HELLO}\n\nevent: done\ndata: {STOP}\n\n",
    "carriage_returns": f"data: {HELLO}\r\rdata: {STOP}\r\r",
    "both_line_ends": f"data: {HELLO}\r\n\r\ndata: {STOP}\r\n\r\n",
    "no_blank_lines": f"data: {HELLO}\ndata: {STOP}\ndata: [DONE]\n",
    "no_space": f"data:{HELLO}\n\ndata:{STOP}\n\n",
    "no_last_line_end": f"data: {HELLO}\n\ndata: {STOP}",
    "byte_order_mark": f"\ufeffdata: {HELLO}\n\ndata: {STOP}\n\n",
    "words_between": f"data: ping\n\ndata: {HELLO}\n\ndata: keep-alive\n\ndata:\n\ndata: {STOP}\n\ndata: [done]\n\n",
    "quoted_end": f'data: {HELLO}\n\ndata: "[DONE]"\n\n',
    "data_on_several_lines": f"{SPREAD}\n\ndata: {STOP}\n\n",
}


@pytest.mark.parametrize("name", EVENT_STREAMS)
async def test_events_are_read_however_a_server_frames_them(name: str):
    response = Response(body=EVENT_STREAMS[name].encode(), content_type=EVENTS)
    async with serving(response) as setting:
        assert "".join([delta.text for delta in await setting.chat()]) == "Ada"


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (
            'event: error\ndata: {"error": {"message": "context length of only 4096 tokens"}}',
            ContextTooLong,
        ),  # LM Studio
        ('event: error\ndata: {"message": "boom", "code": 500}', ProviderUnavailable),
        (
            'error: {"code": 400, "message": "no", "type": "invalid_request_error"}',
            ProviderRejected,
        ),  # llama.cpp
        ('data: {"error": {"code": 429, "message": "slow"}, "choices": []}', ProviderBusy),  # OpenRouter
    ],
)
async def test_an_error_inside_a_stream_blames_whom_it_should(lines: str, error: type[ProviderError]):
    response = Response(body=f"data: {HELLO}\n\n{lines}\n\n".encode(), content_type=EVENTS)
    async with serving(response) as setting:
        with pytest.raises(ProviderError) as raised:
            await setting.chat()
        assert type(raised.value) is error
        assert raised.value.usage.completion_tokens > 0, "what had arrived is paid for"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_length"])
async def test_a_cut_is_known_by_every_name(reason: str):
    async with serving(stream([chunk("Ada"), chunk(finish_reason=reason)])) as setting:
        *_, last = await setting.chat()
        assert last.was_cut


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "RECITATION", "refusal", "sensitive"])
async def test_a_refusal_is_known_by_every_name(reason: str):
    async with serving(stream([chunk("Ada"), chunk(finish_reason=reason)])) as setting:
        with pytest.raises(ProviderRefused):
            await setting.chat()
    async with serving(completion(GOOD, finish_reason=reason)) as setting:
        with pytest.raises(ProviderRefused):
            await setting.ask()


@pytest.mark.parametrize("reason", ["error", "network_error", "insufficient_system_resource"])
async def test_a_failure_is_known_by_every_name(reason: str):
    async with serving(stream([chunk("Ada"), chunk(finish_reason=reason)])) as setting:
        with pytest.raises(ProviderUnavailable):
            await setting.chat()


async def test_a_finish_reason_that_is_empty_ends_nothing():
    chunks = [chunk("A", finish_reason=""), chunk("da", finish_reason="", usage={"prompt_tokens": 9})]
    async with serving(stream([*chunks, chunk(finish_reason="stop")])) as setting:
        assert "".join([delta.text for delta in await setting.chat()]) == "Ada"


async def test_a_stream_at_the_length_limit_says_that_it_was_cut():
    async with serving(stream([chunk("Ada"), chunk(finish_reason="length")])) as setting:
        *_, last = await setting.chat()
        assert last.was_cut


async def test_a_server_that_ignores_the_limit_is_stopped_and_sent_the_other_field():
    endless = [chunk(f"word {number} ") for number in range(20_000)]
    async with serving(stream(endless)) as setting:
        *pieces, last = await setting.chat()
        assert last.was_cut
        assert len(pieces) < 1_000
        assert last.usage is not None
        assert last.usage.completion_tokens <= 50, "the charge stays within what was held"
        assert setting.learned.current.limit_field is LimitField.OUTPUT


async def test_a_whole_completion_that_does_not_end_is_asked_for_with_the_other_limit_field():
    """llama-cpp-python writes to the end of its window when it does not know the field."""
    async with serving(completion(GOOD)) as setting:
        setting.server.latency_seconds = 60
        setting.provider = OpenAIProvider(
            connect("key", base_url=setting.server.url),
            model="m",
            learned=setting.learned,
            timeout_seconds=0.2,
        )
        with pytest.raises(ProviderTimedOut):
            await setting.ask()
        setting.server.latency_seconds = 0
        assert (await setting.ask()).value == CARDS
        assert ["max_tokens" in body for body in setting.server.requests] == [False, True]


# -- what many calls learn ----------------------------------------------------------------------------------------


async def test_a_refusal_without_a_reason_teaches_nothing_once_the_form_was_accepted():
    """A server that rejects one text is not taken for one that knows no schemas."""
    is_rejecting = False

    def respond(body: Body) -> Response:
        nonlocal is_rejecting
        is_rejected, is_rejecting = is_rejecting, False
        return refusal(422, message_of("no")) if is_rejected else completion(GOOD)

    async with serving(respond) as setting:
        await setting.ask()
        is_rejecting = True
        with pytest.raises(ProviderRejected):
            await setting.ask()
        assert setting.learned.current == COMPATIBLE


async def test_a_chat_does_not_forget_what_completions_learned():
    def respond(body: Body) -> Response:
        if body.get("stream"):
            return stream([chunk("Ada"), chunk(finish_reason="stop")])
        return knows(outputs=("json_object",))(body)

    async with serving(respond) as setting:
        before = setting.learned.current
        await setting.ask()
        await setting.learned.learn(before, before)
        await setting.chat()
        marked = msgspec.structs.replace(JSON_OBJECT, thinking=ThinkingStyle.MARKED)
        assert setting.learned.current == marked, "what the chat told is added"


async def test_eight_calls_at_once_meet_one_refusal():
    async with serving(knows(outputs=("json_object",))) as setting:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(setting.ask())
        assert len(setting.server.requests) == 9


async def test_what_an_operator_has_set_is_not_learned_over():
    async with ScriptedServer(knows(outputs=("json_object",))) as server:
        learned = LearnedAbilities(
            COMPATIBLE, model="m", settings={"structured_output": StructuredOutput.STRICT}
        )
        provider = OpenAIProvider(connect("key", base_url=server.url), model="m", learned=learned)
        await provider.complete(PROMPT, CardDrafts)
        assert learned.current.structured_output is StructuredOutput.STRICT
        await provider.close()


async def test_what_has_expired_in_the_fleet_is_tried_anew():
    class Store:
        kept: Abilities | None = None

        async def load(self) -> Abilities | None:
            return self.kept

        async def save(self, abilities: Abilities) -> None:
            self.kept = abilities

    store, now = Store(), 0.0
    async with ScriptedServer(knows(outputs=("json_object",))) as server:
        learned = LearnedAbilities(COMPATIBLE, model="m", store=store, clock=lambda: now)
        provider = OpenAIProvider(connect("key", base_url=server.url), model="m", learned=learned)
        await provider.complete(PROMPT, CardDrafts)
        assert store.kept == JSON_OBJECT
        store.kept, now = None, 100_000.0
        await provider.complete(PROMPT, CardDrafts)
        assert [body["response_format"]["type"] for body in server.requests] == [
            *("json_schema", "json_object", "json_schema", "json_object")
        ]
        await provider.close()


async def test_calls_that_wait_for_a_slow_first_one_meet_no_refusal():
    """The first call is refused at once, and then takes longer than the others wait."""
    async with ScriptedServer(knows(outputs=("json_object",)), latency_seconds=0.3) as server:
        learned = LearnedAbilities(COMPATIBLE, model="m")
        provider = OpenAIProvider(connect("key", base_url=server.url), model="m", learned=learned)
        first = asyncio.create_task(provider.complete(PROMPT, CardDrafts))
        await server.until(lambda requests: len(requests) == 2)
        assert learned.current == JSON_OBJECT, "known as soon as the refusal came"
        await first
        await provider.close()
