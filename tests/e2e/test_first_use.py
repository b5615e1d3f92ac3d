"""What a learner gets from a stack that has just been started: grounded cards, in both languages."""

import json
import subprocess
import sys
from time import monotonic
from typing import Any

import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.e2e.running import RunningStack, events_until_done
from tests.paths import TEXTS, read_text

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("name", "language"), [("solar_system.en.txt", "en"), ("revolution.fr.txt", "fr")])
def test_a_text_becomes_cards_and_questions_that_quote_it_exactly(
    stack: RunningStack, name: str, language: str
) -> None:
    text = read_text(name)
    with stack.client as client:
        started = monotonic()
        accepted = client.post("/api/collections", json={"text": text})
        assert accepted.status_code == 202, accepted.text
        path = accepted.headers["Location"]
        events = list(events_until_done(client, f"{path}/events"))
        seconds = monotonic() - started
        collection = client.get(path).json()

    print(f"{name}: ready in {seconds:.2f} s")  # noqa: T201 - a number for whoever reads the run, never asserted
    assert events[-1][1]["status"] == "succeeded"
    assert {"progress", "item"} <= {name for name, _ in events}
    assert (collection["status"], collection["language"]) == ("ready", language)
    assert len(collection["flashcards"]) >= 10
    assert len(collection["quiz"]) >= 5
    for item in collection["flashcards"] + collection["quiz"]:
        source = item["source"]
        assert text[source["start"] : source["end"]] == source["quote"]


def test_the_command_prints_the_collection_and_finds_stack_and_token_by_itself(stack: RunningStack) -> None:
    collection = run_etude(stack, "collection", str(TEXTS / "solar_system.en.txt"), "--json")
    assert collection["status"] == "ready"
    assert collection["flashcards"]


def test_nothing_was_paid_for_and_the_offline_generator_says_that_it_was_it(stack: RunningStack) -> None:
    answer = run_etude(stack, "ai", "flashcards", str(TEXTS / "solar_system.en.txt"), "--json")
    assert answer["generated_by"] == "offline"
    assert answer["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "held_tokens": 0}


def run_etude(stack: RunningStack, *words: str) -> dict[str, Any]:
    command = subprocess.run(
        [sys.executable, "-m", "etude", *words],
        env={"ETUDE_DATA_DIR": str(stack.folder)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert command.returncode == 0, command.stderr
    return json.loads(command.stdout)
