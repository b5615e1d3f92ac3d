"""Replies that stand where no client looks for them, or that come in another framing than asked for."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.shared.adapters.llm.openai.scripted_provider import DRAFTS, GOOD, PROMPT, serving
from tests.simulators.http_server import HttpServer, Request, Wire
from tests.simulators.scripted_server import EVENTS, JSON, Body, Response, chunk, message_of, stream

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.openai.reading.response import MAX_UNREADABLE_EVENTS
from shared.domain.llm.provider import ChatRequest, Message
from shared.domain.provider_errors import (
    ContextTooLong,
    ProviderError,
    ProviderGarbled,
    ProviderRefused,
    ProviderUnavailable,
)
from shared.domain.usage import Usage

LINES = "application/x-ndjson"
USAGE = {"prompt_tokens": 60, "completion_tokens": 30}
HELLO, STOP = chunk("Ada"), chunk(finish_reason="stop")
GARBAGE = b'data: {"choices": [{"delta": {"conte\n\n'


def encode(*values: object, ends: str = "\n") -> bytes:
    return "".join(json.dumps(value) + ends for value in values).encode()


def events(*chunks: object, end: str = "data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + encode(one, ends="\n\n") for one in chunks) + end.encode()


def pieces(text: str) -> list[Body]:
    """A stream of the text in three pieces."""
    return [
        *(chunk(part) for part in (text[:7], text[7:15], text[15:])),
        chunk(finish_reason="stop", usage=USAGE),
    ]


def whole(text: object, **message: object) -> Body:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": "stop",
    }
    return {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": USAGE}


def in_choice(**choice: object) -> bytes:
    return encode({"choices": [{"index": 0, "finish_reason": "stop", **choice}]})


def ollama(*texts: str) -> list[Body]:
    """A stream of Ollama's own API."""
    told = [{"model": "m", "message": {"content": text}, "done": False} for text in texts]
    return [*told, {"model": "m", "message": {"content": ""}, "done": True, "done_reason": "stop"}]


# -- whole replies ------------------------------------------------------------------------------------------------

FRAMINGS: dict[str, Callable[[str], tuple[str, bytes]]] = {
    "events": lambda text: (EVENTS, events(*pieces(text))),
    "events_declared_as_json": lambda text: (JSON, events(*pieces(text))),
    "events_declared_as_text": lambda text: ("text/plain", events(*pieces(text))),
    "events_with_comments": lambda text: (
        EVENTS,
        b": wait\r\n\r\n" + events(*pieces(text)).replace(b"\n", b"\r\n"),
    ),
    "one_event": lambda text: (EVENTS, events(whole(text))),
    "events_after_one_without_choices": lambda text: (
        EVENTS,
        events({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}, *pieces(text)),
    ),
    "events_with_garbage": lambda text: (EVENTS, GARBAGE + events(*pieces(text))),
    "events_with_thinking": lambda text: (
        EVENTS,
        events({"choices": [{"delta": {"reasoning_content": "hm {"}}]}, *pieces(text)),
    ),
    "events_that_call_a_function": lambda text: (
        EVENTS,
        events(
            *(
                {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}}]}
                for part in (text[:9], text[9:])
            ),
            chunk(finish_reason="tool_calls"),
        ),
    ),
    "events_that_repeat_the_whole": lambda text: (
        EVENTS,
        events(chunk(text[:9]), chunk(text[:20]), chunk(text), chunk(text, finish_reason="stop")),
    ),
    "lines": lambda text: (LINES, encode(*pieces(text))),
    "lines_declared_as_json": lambda text: (JSON, encode(*pieces(text))),
    "lines_of_ollama": lambda text: (LINES, encode(*ollama(text[:9], text[9:]))),
    "one_message_of_ollama": lambda text: (
        JSON,
        encode({"message": {"content": text}, "done": True, "done_reason": "stop"}),
    ),
    "a_list": lambda text: (JSON, encode([whole(text)])),
    "a_list_of_pieces": lambda text: (JSON, encode(pieces(text))),
    "a_piece": lambda text: (JSON, encode(chunk(text, finish_reason="stop"))),
    "a_gateway_s_object": lambda text: (JSON, encode({"code": 0, "data": whole(text)})),
    "a_gateway_s_text": lambda text: (JSON, encode({"statusCode": 200, "body": json.dumps(whole(text))})),
    "encoded_twice": lambda text: (JSON, encode(json.dumps(whole(text)))),
    "a_comment_before": lambda text: (JSON, b": OPENROUTER PROCESSING\n\n" + encode(whole(text))),
    "blank_lines_before": lambda text: (JSON, b"\n  \n\n" + encode(whole(text))),
    "a_nul_after": lambda text: (JSON, encode(whole(text)) + b"\x00"),
    "twice": lambda text: (JSON, encode(whole(text), whole(text))),
    "not_a_number": lambda text: (JSON, encode(whole(text) | {"score": float("nan")})),
    "a_raw_line_break": lambda text: (JSON, encode(whole(text)).replace(b'"model": "m"', b'"model": "m\n"')),
    "declared_as_html": lambda text: ("text/html; charset=utf-8", encode(whole(text))),
    "not_declared": lambda text: ("", encode(whole(text))),
    "index_as_text": lambda text: (JSON, in_choice(index="0", message={"content": text})),
    "index_1_alone": lambda text: (JSON, in_choice(index=1, message={"content": text})),
    "one_choice_without_a_list": lambda text: (JSON, encode({"choices": {"message": {"content": text}}})),
    "message_as_text": lambda text: (JSON, in_choice(message=text)),
    "reason_as_an_object": lambda text: (
        JSON,
        in_choice(message={"content": text}, finish_reason={"type": "stop"}),
    ),
    "errors_that_are_empty": lambda text: (JSON, encode(whole(text) | {"error": None, "errors": None})),
}
MESSAGES: dict[str, Callable[[str], bytes]] = {
    "parsed": lambda text: encode(whole(None, parsed=json.loads(text))),
    "parsed_as_text": lambda text: encode(whole("", parsed=text)),
    "function_beside_prose": lambda text: encode(
        whole("Here are the results:", tool_calls=[{"function": {"name": "f", "arguments": text}}])
    ),
    "function_without_a_list": lambda text: encode(whole(None, tool_calls={"function": {"arguments": text}})),
    "thinking": lambda text: encode(whole(None, reasoning_content=text)),
    "thinking_before": lambda text: encode(whole("", reasoning=f"Let me see. {text}")),
    "thinking_in_parts": lambda text: encode(
        whole(None, reasoning_details=[{"type": "reasoning.text", "text": text}])
    ),
    "thinking_part_before": lambda text: encode(
        whole(
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": text},
            ]
        )
    ),
    "content_then_null": lambda text: encode(whole(text)).replace(
        b'}, "finish_reason"', b', "content": null}, "finish_reason"'
    ),
    "message_then_null": lambda text: encode(whole(text)).replace(
        b'"finish_reason": "stop"', b'"finish_reason": "stop", "message": null'
    ),
    "choices_then_null": lambda text: encode(whole(text), ends="")[:-1] + b', "choices": null}',
    "fields_then_null": lambda text: encode(
        whole(text[:-1] + "".join(f', "{name}": null' for name in json.loads(text)) + "}")
    ),
    "end_mark": lambda text: encode(whole(f"{text}<|im_end|>")),
    "channel_with_a_constraint": lambda text: encode(
        whole(f"<|channel|>final <|constrain|>json<|message|>{text}<|return|>")
    ),
    "channels_without_marks": lambda text: encode(whole(f"analysisWe need JSON.assistantfinal{text}")),
}


async def assert_read(draft: object, response: Response) -> None:
    async with serving(response) as setting:
        assert (await setting.ask(type(draft))).value == draft
        assert len(setting.server.requests) == 1


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: type(draft).__name__)
@pytest.mark.parametrize("name", FRAMINGS)
async def test_a_whole_reply_is_read_however_it_is_framed(name: str, draft: object):
    content_type, body = FRAMINGS[name](msgspec.json.encode(draft).decode())
    await assert_read(draft, Response(body=body, content_type=content_type))


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: type(draft).__name__)
@pytest.mark.parametrize("name", MESSAGES)
async def test_a_reply_is_found_wherever_it_stands_in_the_message(name: str, draft: object):
    await assert_read(draft, Response(body=MESSAGES[name](msgspec.json.encode(draft).decode())))


async def test_a_reply_that_came_as_events_costs_what_its_last_event_reports():
    async with serving(Response(body=events(*pieces(GOOD)), content_type=EVENTS)) as setting:
        assert (await setting.ask()).usage == Usage(60, 30)


async def test_an_error_among_the_events_of_a_whole_reply_is_an_error():
    body = events(HELLO, message_of("This model's maximum context length is 4096 tokens."))
    async with serving(Response(body=body, content_type=EVENTS)) as setting:
        with pytest.raises(ContextTooLong):
            await setting.ask()


async def test_thinking_that_holds_no_value_is_no_reply():
    async with serving(Response(body=encode(whole(None, reasoning="I should write cards.")))) as setting:
        with pytest.raises(ProviderGarbled):
            await setting.ask()


# -- streams ------------------------------------------------------------------------------------------------------

STREAMS: dict[str, tuple[str, bytes, str]] = {
    "garbage_between": (
        EVENTS,
        events(HELLO, end="") + GARBAGE + events(chunk(" wrote"), STOP),
        "Ada wrote",
    ),
    "garbage_first": (EVENTS, GARBAGE + events(HELLO, STOP), "Ada"),
    "bytes_that_are_no_text": (EVENTS, b"data: {\xff\xfe{{\n\n" + events(HELLO, STOP), "Ada"),
    "garbage_without_a_field": (EVENTS, b'{"choices": [\n' + events(HELLO, STOP), "Ada"),
    "filter_results_first": (
        EVENTS,
        events({"choices": [], "prompt_filter_results": []}, HELLO, STOP),
        "Ada",
    ),
    "filter_results_last": (
        EVENTS,
        events(
            HELLO, STOP, {"choices": [{"index": 0, "content_filter_offsets": None, "finish_reason": None}]}
        ),
        "Ada",
    ),
    "an_empty_error": (EVENTS, events(HELLO, STOP | {"error": {"code": 0, "message": ""}}), "Ada"),
    "no_done": (EVENTS, events(HELLO, STOP, end=""), "Ada"),
    "no_finish_reason": (EVENTS, events(HELLO), "Ada"),
    "reason_as_an_object": (
        EVENTS,
        events(HELLO, {"choices": [{"delta": {}, "finish_reason": {"type": "stop"}}]}, end=""),
        "Ada",
    ),
    "a_reason_with_each_piece": (
        EVENTS,
        events(chunk("A", finish_reason="stop"), chunk("da", finish_reason="stop")),
        "Ada",
    ),
    "index_as_text": (
        EVENTS,
        events({"choices": [{"index": "0", "delta": {"content": "Ada"}}]}, STOP),
        "Ada",
    ),
    "delta_as_text": (EVENTS, events({"choices": [{"delta": "Ada"}]}, STOP), "Ada"),
    "content_then_null": (
        EVENTS,
        b'data: {"choices":[{"delta":{"content":"Ada","content":null}}]}\n\n' + events(STOP),
        "Ada",
    ),
    "a_list_in_each_event": (EVENTS, events([HELLO], [STOP]), "Ada"),
    "a_gateway_s_object": (EVENTS, events({"data": HELLO}, {"data": STOP}), "Ada"),
    "fields_in_capitals": (EVENTS, events(HELLO, STOP).replace(b"data:", b"Data:"), "Ada"),
    "fields_indented": (EVENTS, events(HELLO, STOP).replace(b"data:", b"  data:"), "Ada"),
    "fields_twice": (EVENTS, events(HELLO, STOP).replace(b"data: {", b"data: data: {"), "Ada"),
    "lines": (LINES, encode(HELLO, STOP), "Ada"),
    "lines_declared_as_json": (JSON, encode(HELLO, STOP), "Ada"),
    "lines_declared_as_events": (EVENTS, encode(HELLO, STOP), "Ada"),
    "lines_of_ollama": (LINES, encode(*ollama("A", "da")), "Ada"),
    "a_list": (JSON, encode([HELLO, STOP]), "Ada"),
    "events_declared_as_json": (JSON, events(HELLO, STOP), "Ada"),
    "a_whole_reply_as_text": ("text/plain", encode(whole("Ada")), "Ada"),
    "a_whole_reply_over_several_lines": (EVENTS, json.dumps(whole("Ada"), indent=1).encode(), "Ada"),
    "a_whole_reply_in_an_event": (EVENTS, events(whole("Ada")), "Ada"),
    "a_whole_reply_at_the_end": (
        EVENTS,
        events(
            chunk("Ada "),
            chunk("wrote"),
            {"choices": [{"delta": {}, "message": {"content": "Ada wrote it"}, "finish_reason": "stop"}]},
        ),
        "Ada wrote it",
    ),
    "the_whole_each_time": (
        EVENTS,
        events(*(chunk(text) for text in ("A", "Ad", "Ada", "Ada wrote", "Ada wrote")), STOP),
        "Ada wrote",
    ),
    "the_whole_each_time_in_long_pieces": (
        EVENTS,
        events(chunk("Ada Lovelace"), chunk("Ada Lovelace wrote"), STOP),
        "Ada Lovelace wrote",
    ),
    "pieces_that_repeat": (EVENTS, events(*map(chunk, ("1", "1", "11", "1")), STOP), "11111"),
    "pieces_that_begin_alike": (EVENTS, events(*map(chunk, ("ha", "haha", "!")), STOP), "hahaha!"),
    "two_pieces_that_begin_alike": (EVENTS, events(chunk("ha"), chunk("haha"), STOP), "hahaha"),
    "declared_latin_1": (
        f"{EVENTS}; charset=ISO-8859-1",
        'data: {"choices":[{"delta":{"content":"Évry"},"finish_reason":"stop"}]}\n\n'.encode("latin-1"),
        "Évry",
    ),
    "declared_latin_1_that_is_utf_8": (
        f"{EVENTS}; charset=ISO-8859-1",
        'data: {"choices":[{"delta":{"content":"Évry"},"finish_reason":"stop"}]}\n\n'.encode(),
        "Évry",
    ),
    "thinking_in_parts": (
        EVENTS,
        events(
            {"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}]}}]},
            HELLO,
            STOP,
        ),
        "Ada",
    ),
    "channels": (
        EVENTS,
        events(
            chunk("<|channel|>analysis<|message|>hm<|end|>"),
            chunk("<|start|>assistant<|channel|>commentary<|message|>so<|end|>"),
            chunk("<|start|>assistant<|channel|>final<|message|>"),
            HELLO,
            chunk("<|return|>"),
            STOP,
        ),
        "Ada",
    ),
    "end_mark_in_pieces": (EVENTS, events(HELLO, chunk("<|im_"), chunk("end|>\n"), STOP), "Ada"),
    "end_marks": (EVENTS, events(chunk("Ada</s><|eot_id|>"), STOP), "Ada"),
    "a_mark_that_the_reply_is_about": (
        EVENTS,
        events(chunk("`</s>` ends"), chunk(" a <| b </ul"), STOP),
        "`</s>` ends a <| b </ul",
    ),
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_streamed_reply_is_read_however_it_is_framed(name: str):
    content_type, body, expected = STREAMS[name]
    async with serving(Response(body=body, content_type=content_type)) as setting:
        *_, last = deltas = await setting.chat()
        assert "".join(delta.text for delta in deltas) == expected
        assert last.usage
        assert last.usage.total > 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (GARBAGE, ProviderGarbled),
        (GARBAGE * 3 + b"data: [DONE]\n\n", ProviderGarbled),
        (events(HELLO, end="") + GARBAGE * (MAX_UNREADABLE_EVENTS + 1) + events(STOP), ProviderGarbled),
        (events(HELLO, end="") + b"<html>502</html>\n", ProviderUnavailable),
        (events(HELLO, chunk(finish_reason="abort")), ProviderUnavailable),
        (
            events({"object": "error", "message": "maximum context length is 4096 tokens", "code": 400}),
            ContextTooLong,
        ),
        (
            events(HELLO, {"choices": [{"finish_reason": {"type": "content_filter"}}]}),
            ProviderRefused,
        ),
        (b"data: " + encode(HELLO | {"padding": "x" * 2_000_000}), ProviderUnavailable),
    ],
    ids=["garbage", "garbage_and_an_end", "too_much", "html", "abort", "error", "filter", "too_long"],
)
async def test_a_stream_that_cannot_be_read_says_whose_fault_it_is(body: bytes, error: type[ProviderError]):
    async with serving(Response(body=body, content_type=EVENTS)) as setting:
        with pytest.raises(ProviderError) as raised:
            await setting.chat()
        assert type(raised.value) is error


async def test_events_that_were_passed_over_are_counted_in_the_log():
    with capture_logs() as logs:
        async with serving(Response(body=GARBAGE * 3 + events(HELLO, STOP), content_type=EVENTS)) as setting:
            await setting.chat()
    (line,) = (line for line in logs if line["event"] == "provider.events_passed_over")
    assert line["count"] == 3
    assert "conte" not in str(line)


# -- how a stream ends --------------------------------------------------------------------------------------------


@asynccontextmanager
async def sending(
    parts: Sequence[bytes], end: Callable[[Wire], Any]
) -> AsyncGenerator[Callable[[], AsyncGenerator[str]]]:
    """A server that sends `parts` one by one and then calls `end`. Yields a chat with it."""

    async def answer(_: Request, wire: Wire) -> None:
        wire.begin(200, {"content-type": EVENTS})
        for part in parts:
            wire.chunk(part)
            await asyncio.sleep(0.001)
        end(wire)
        await asyncio.sleep(60)

    server = HttpServer(answer)
    await server.start()
    provider = OpenAIProvider(
        connect("key", base_url=f"http://{server.host}:{server.port}/v1"),
        model="m",
        learned=LearnedAbilities(COMPATIBLE, model="m"),
        timeout_seconds=20,
    )

    async def chat() -> AsyncGenerator[str]:
        request = ChatRequest(messages=[Message("user", PROMPT.source)], language="en", max_output_tokens=50)
        async with aclosing(provider.stream(request)) as deltas:
            async for delta in deltas:
                yield delta.text

    try:
        yield chat
    finally:
        await provider.close()
        await server.close()


def stay_open(_: Wire) -> None:
    """A server that never ends its response."""


@pytest.mark.parametrize("end", [stay_open, Wire.cut, Wire.reset], ids=lambda end: end.__name__)
@pytest.mark.parametrize("last", [STOP, None], ids=["finish_reason", "done"])
async def test_a_reply_that_has_ended_is_whole_however_its_connection_ends(
    end: Callable[[Wire], Any], last: Body | None
):
    parts = [events(HELLO, STOP, end="")] if last else [events(HELLO)]
    async with asyncio.timeout(10), sending(parts, end) as chat:
        assert "".join([text async for text in chat()]) == "Ada"


async def test_a_reply_that_has_not_ended_is_cut_with_its_connection():
    async with sending([events(HELLO, end="")], Wire.reset) as chat:
        with pytest.raises(ProviderUnavailable):
            _ = [text async for text in chat()]


async def test_a_character_may_come_in_several_packets():
    body = 'data: {"choices":[{"delta":{"content":"É€😀"},"finish_reason":"stop"}]}\n\n'.encode()
    async with sending([body[at : at + 1] for at in range(len(body))], Wire.end) as chat:
        assert "".join([text async for text in chat()]) == "É€😀"


def three_pieces(_: Body) -> Response:
    return stream([*map(chunk, ("A", "d", "a")), STOP])


async def test_a_piece_is_shown_at_once():
    """Nothing but a possible mark or repetition is held back."""
    async with serving(stream([HELLO, STOP])) as setting:
        await setting.chat()  # tells that the model does not think
        setting.server.respond = three_pieces
        assert [delta.text for delta in await setting.chat()] == ["A", "d", "a", ""]
