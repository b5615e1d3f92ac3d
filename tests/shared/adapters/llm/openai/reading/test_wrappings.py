"""A good value is read in whatever form a model wrote it: names, literals, wrappers and marks around it."""

import html
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from shared.adapters.llm.openai.reading.structured_text import MAX_TEXT_CHARACTERS, UnreadableText, read_value
from shared.domain.study.material import (
    CardDraft,
    CardDrafts,
    ExplanationDraft,
    ItemDrafts,
    OutlineDraft,
    OutlineSection,
    QuestionDraft,
    QuestionDrafts,
    SummaryDraft,
    Term,
    TextDraft,
)

CARDS = [
    CardDraft("Who wrote it?", "Ada", "Ada wrote it."),
    CardDraft("When was it?", "1843", "It was 1843."),
]
QUESTIONS = [
    QuestionDraft("Who?", ["Ada", "Bob", "Cy", "Di"], 1, "She did.", "Ada wrote"),
    QuestionDraft("Which?", ["12", "13", "14", "15"], 2, "It is.", "It was 14."),
]
NUMBERED_CARDS = [
    CardDraft("Who wrote it?", "Ada", numbers=[1]),
    CardDraft("When was it?", "1843", numbers=[2, 3]),
]
NUMBERED_QUESTIONS = [
    QuestionDraft("Who?", ["Ada", "Bob", "Cy", "Di"], 1, "She did.", numbers=[1]),
    QuestionDraft("Which?", ["12", "13", "14", "15"], 2, "It is.", numbers=[2]),
]
DRAFTS: list[Any] = [
    ItemDrafts(NUMBERED_CARDS, NUMBERED_QUESTIONS),
    CardDrafts(CARDS),
    QuestionDrafts(QUESTIONS),
    ItemDrafts(CARDS, QUESTIONS),
    SummaryDraft("Ada wrote a program.", ["Ada", "1843"]),
    ExplanationDraft("It is about Ada.", [Term("program", "a row of steps")]),
    OutlineDraft("Ada", [OutlineSection("Life", ["wrote", "lived"])]),
    TextDraft("Ada wrote a program."),
]


def with_keys(rename: Callable[[str], str]) -> Callable[[str], str]:
    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {rename(key): renamed(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
        return [renamed(part) for part in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType] - any JSON

    return lambda text: json.dumps(renamed(json.loads(text)))


def within(wrap: Callable[[Any], object]) -> Callable[[str], str]:
    return lambda text: json.dumps(wrap(json.loads(text)))


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "byte_order_mark_in_a_fence": lambda text: f"```json\n\ufeff{text}\n```",
    "tilde_fence": lambda text: f"~~~json\n{text}\n~~~",
    "fence_without_an_end": lambda text: f"```json\n{text}",
    "python_literals": lambda text: repr({**json.loads(text), "done": True, "note": None}),
    "not_a_number": lambda text: text[:-1] + ', "a": NaN, "b": -Infinity, "c": undefined}',
    "hash_comment": lambda text: "{\n# as asked\n" + text[1:],
    "block_comment": lambda text: "{/* as asked */" + text[1:],
    "text_behind": lambda text: text + "\n\nLet me know if you need more!",
    "brace_behind": lambda text: text + "}",
    "ellipsis": lambda text: text[:-2] + ", ...]}" if text.endswith("]}") else text,
    "list_of_one": lambda text: f"[{text}]",
    "camel_case": with_keys(lambda key: re.sub(r"_(\w)", lambda found: found[1].upper(), key)),
    "title_case": with_keys(str.title),
    "upper_case": with_keys(str.upper),
    "dashes": with_keys(lambda key: key.replace("_", "-")),
    "blanks_around_keys": with_keys(lambda key: f" {key} "),
    "keys_without_quotes": lambda text: re.sub(r'"(\w+)":', r"\1:", text),
    "no_comma_before_a_key": lambda text: re.sub(r'",("\w+":)', r'" \1', text),
    "typographic_quotes": lambda text: re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text),
    "closing_quotes": lambda text: text.replace('"', "\u201d"),
    "result": within(lambda value: {"result": value}),
    "data_beside_others": within(lambda value: {"status": "ok", "count": 1, "data": value}),
    "two_wrappers": within(lambda value: {"response": {"content": value}}),
    "schema": within(lambda value: {"type": "object", "properties": value}),
    "function": within(lambda value: {"name": "write", "parameters": value}),
    "function_with_text": within(lambda value: {"name": "write", "arguments": json.dumps(value)}),
    "tool_call_tag": lambda text: f'<tool_call>\n{{"name": "f", "arguments": {text}}}\n</tool_call>',
    "escaped_line_breaks": lambda text: json.dumps(json.loads(text), indent=1).replace("\n", "\\n"),
    "html_entities": html.escape,
    "tag": lambda text: f"<json>\n{text}\n</json>",
    "assignment": lambda text: f"const drafts = {text};",
    "end_mark": lambda text: f"{text}<|im_end|>",
    "harmony": lambda text: f"<|channel|>final <|constrain|>json<|message|>{text}<|return|>",
    "harmony_commentary": lambda text: (
        f"<|channel|>commentary<|message|>So.<|end|><|start|>assistant<|channel|>final<|message|>{text}"
    ),
    "thought": lambda text: f'<thought>hm {{"cards": []}}</thought>{text}',
    "reasoning": lambda text: f"<reasoning>hm [1]</reasoning>\n{text}",
    "another_mark": lambda text: f"<seed:think>hm {{so}}</seed:think>{text}",
}


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: type(draft).__name__)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_value_is_read_in_every_wrapping(wrapping: str, draft: object) -> None:
    text = WRAPPINGS[wrapping](msgspec.json.encode(draft).decode())
    assert read_value(text, type(draft)) == draft


LISTS: dict[str, Callable[[list[Any]], str]] = {
    "one_value_a_line": lambda items: "\n".join(json.dumps(item) for item in items),
    "commas_between": lambda items: ",\n".join(json.dumps(item) for item in items),
    "another_name": lambda items: json.dumps({"flashcards": items}),
    "another_name_beside_others": lambda items: json.dumps({"title": "Ada", "items": items}),
    "numbered": lambda items: json.dumps({str(number): item for number, item in enumerate(items)}),
    "numbered_in_data": lambda items: json.dumps(
        {"data": {f"item_{i}": item for i, item in enumerate(items)}}
    ),
    "a_fence_for_each": lambda items: "\n".join(f"```json\n{json.dumps(item)}\n```" for item in items),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("draft", [CardDrafts(CARDS), QuestionDrafts(QUESTIONS)], ids=["cards", "questions"])
def test_items_are_read_without_their_object(name: str, draft: object) -> None:
    (items,) = msgspec.to_builtins(draft).values()
    assert read_value(LISTS[name](items), type(draft)) == draft


def lettered(options: list[str]) -> list[str]:
    return [f"{letter}) {option}" for letter, option in zip("ABCD", options, strict=True)]


QUESTION_FORMS: dict[str, Callable[[dict[str, Any], list[str], int], object]] = {
    "letter": lambda q, options, right: q | {"answer": "ABCD"[right]},
    "letter_and_mark": lambda q, options, right: q | {"answer": f"{'abcd'[right]})"},
    "option_letter": lambda q, options, right: q | {"answer": f"Option {'ABCD'[right]}"},
    "letter_and_text": lambda q, options, right: q | {"answer": f"{'ABCD'[right]}. {options[right]}"},
    "text": lambda q, options, right: q | {"answer": options[right]},
    "text_in_capitals": lambda q, options, right: q | {"answer": f" {options[right].upper()} "},
    "index_as_text": lambda q, options, right: q | {"answer": str(right)},
    "float": lambda q, options, right: q | {"answer": float(right)},
    "list": lambda q, options, right: q | {"answer": [right]},
    "object": lambda q, options, right: q | {"answer": {"index": right, "reason": "so"}},
    "objects": lambda q, options, right: q | {"options": [{"text": option} for option in options]},
    "objects_with_ids": lambda q, options, right: (
        q
        | {
            "options": [{"id": f"o{n}", "text": option} for n, option in enumerate(options)],
            "answer": f"o{right}",
        }
    ),
    "flags": lambda q, options, right: (
        q
        | {
            "options": [{"text": option, "correct": n == right} for n, option in enumerate(options)],
            "answer": None,
        }
    ),
    "options_by_letter": lambda q, options, right: (
        q
        | {
            "options": dict(zip("ABCD", options, strict=True)),
            "answer": "ABCD"[right],
        }
    ),
    "options_with_letters": lambda q, options, right: (
        q
        | {
            "options": lettered(options),
            "answer": lettered(options)[right],
        }
    ),
    "another_name": lambda q, options, right: {
        **{name: value for name, value in q.items() if name != "answer"},
        "correct_answer": options[right],
    },
    "numbers": lambda q, options, right: (
        q | {"options": [int(one) if one.isdigit() else one for one in options]}
    ),
}


@pytest.mark.parametrize(
    ("cards", "quiz"), [("flashcards", "quiz"), ("cards", "quiz"), ("flashcards", "test")]
)
def test_questions_within_an_object_are_read_beside_cards(cards: str, quiz: str) -> None:
    both = json.loads(msgspec.json.encode(ItemDrafts(CARDS, QUESTIONS)))
    reply = json.dumps(
        {cards: both["cards"], quiz: {"questions": both["questions"]}, "notes": {"tags": ["a"]}}
    )
    assert read_value(reply, ItemDrafts) == ItemDrafts(CARDS, QUESTIONS)


@pytest.mark.parametrize("form", QUESTION_FORMS)
def test_a_question_is_read_in_every_form(form: str) -> None:
    given = [
        QUESTION_FORMS[form](msgspec.to_builtins(question), question.options, question.answer)
        for question in QUESTIONS
    ]
    assert read_value(json.dumps({"questions": given}), QuestionDrafts).questions == QUESTIONS


def test_an_option_that_is_a_letter_is_meant_before_its_place() -> None:
    question = msgspec.to_builtins(QUESTIONS[0]) | {"options": ["C", "B", "A", "D"], "answer": "A"}
    assert read_value(json.dumps({"questions": [question]}), QuestionDrafts).questions[0].answer == 2


def test_an_answer_that_means_no_option_is_not_guessed() -> None:
    question = msgspec.to_builtins(QUESTIONS[0]) | {"answer": "none of them"}
    with pytest.raises(UnreadableText, match="answer"):
        read_value(json.dumps({"questions": [question]}), QuestionDrafts)


@pytest.mark.parametrize(
    "piece", ["[/*", "[#", '{"a":', '[{"cards":[', '"', '{"\\"', "&quot;", "[...", '["a" "b"']
)
def test_the_time_grows_with_the_text_alone(piece: str) -> None:
    text = (piece * MAX_TEXT_CHARACTERS)[:MAX_TEXT_CHARACTERS]
    began = time.process_time()
    with suppress(UnreadableText):  # some of them are an empty list with a comment that never ends
        read_value(text, CardDrafts)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ('"numbers": 7', [7]),
        ('"numbers": ["§7"]', [7]),
        ('"numbers": "7, 8"', [7, 8]),
        ('"numbers": [7.0]', [7]),
        ('"number": 7', [7]),
        ('"sentence": "7"', [7]),
        ('"quote": 7', [7]),
    ],
)
def test_numbers_are_read_in_every_form(form: str, numbers: list[int]) -> None:
    text = f'{{"cards": [{{"front": "Who?", "back": "Ada", {form}}}]}}'

    assert read_value(text, CardDrafts).cards == [CardDraft("Who?", "Ada", numbers=numbers)]


def test_a_draft_without_numbers_and_quote_is_asked_for_again() -> None:
    with pytest.raises(UnreadableText, match="numbers"):
        read_value('{"cards": [{"front": "Who?", "back": "Ada"}]}', CardDrafts)
