"""The handlers of the `ai` stream: their calls, their results and their failures."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from tests.fakes import FakeAttemptContext, FakeProvider
from tests.paths import read_text

from ai_worker.handlers import HANDLERS
from ai_worker.merge_notes import write_note
from shared.adapters.llm.token_counter import count_tokens
from shared.adapters.offline.provider import OfflineProvider
from shared.domain.errors import NoUsableText
from shared.domain.generation.hold import NOTE_GROWTH
from shared.domain.jobs.job import AI_KINDS, Kind
from shared.domain.jobs.outcome import Done, Fail, Outcome
from shared.domain.jobs.payload import AiInput
from shared.domain.llm.provider import Prompt
from shared.domain.provider_errors import ContextTooLong, ProviderBusy, ProviderGarbled, ProviderRefused
from shared.domain.study.material import (
    CardDrafts,
    Explanation,
    ExplanationDraft,
    Flashcards,
    Options,
    Outline,
    OutlineDraft,
    OutlineSection,
    Quiz,
    Summary,
    SummaryDraft,
    Term,
    Text,
    TextDraft,
)
from shared.domain.text.language import Language

FRENCH = read_text("revolution.fr.txt")
LONG = FRENCH * 12
MERGED_KINDS = [Kind.SUMMARY, Kind.EXPLANATION, Kind.OUTLINE, Kind.TEXT]


async def handle(
    kind: Kind, text: str, context: FakeAttemptContext, options: Options | None = None
) -> Outcome:
    return await HANDLERS[kind](AiInput(text=text, options=options or Options()), context)


async def make(kind: Kind, text: str, context: FakeAttemptContext) -> object:
    outcome = await handle(kind, text, context)
    assert isinstance(outcome, Done)
    return outcome.result


def test_every_kind_of_the_stream_has_its_handler():
    assert set(HANDLERS) == set(AI_KINDS)


async def test_flashcards_quote_their_source_and_are_published():
    context = FakeAttemptContext(FakeProvider())

    result = await make(Kind.FLASHCARDS, FRENCH, context)

    assert isinstance(result, Flashcards)
    assert len(result.flashcards) >= 10
    assert all(FRENCH[c.source.start : c.source.end] == c.source.quote for c in result.flashcards)
    assert {item.id for item in context.items} == {card.id for card in result.flashcards}
    assert result.quality.requested == {"flashcards": 20}


async def test_questions_quote_their_source_and_have_one_right_option():
    context = FakeAttemptContext(FakeProvider())

    result = await make(Kind.QUIZ, FRENCH, context)

    assert isinstance(result, Quiz)
    assert len(result.quiz) >= 5
    for question in result.quiz:
        assert FRENCH[question.source.start : question.source.end] == question.source.quote
        assert [option.correct for option in question.options].count(True) == 1


@pytest.mark.parametrize("kind", AI_KINDS)
async def test_a_short_text_takes_one_call(kind: Kind):
    context = FakeAttemptContext(FakeProvider())

    await make(kind, FRENCH, context)

    assert len(context.asked) == 1
    assert context.progressed == [(1, 1)]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [(Kind.SUMMARY, Summary), (Kind.EXPLANATION, Explanation), (Kind.OUTLINE, Outline), (Kind.TEXT, Text)],
)
async def test_each_kind_of_text_has_its_result_type_and_language(kind: Kind, shape: type):
    result = await make(kind, FRENCH, FakeAttemptContext(FakeProvider()))

    assert isinstance(result, shape)
    assert getattr(result, "language") == "fr"  # noqa: B009 - the four shapes share the field, not a base


@pytest.mark.parametrize("kind", MERGED_KINDS)
async def test_a_long_text_is_drafted_in_parts_and_merged_from_their_notes(kind: Kind):
    provider = FakeProvider()
    context = FakeAttemptContext(provider)

    await make(kind, LONG, context)

    *parts, merge = provider.prompts
    assert len(parts) == 2
    assert "".join(part.source.replace("\n", "") for part in parts) == LONG.replace("\n", "").strip()
    assert context.asked[-1] == f"{kind}/merge"
    assert merge.source != ""
    assert context.progressed == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("kind", MERGED_KINDS)
async def test_a_refused_part_fails_the_whole_text(
    kind: Kind,
):
    refused = FakeProvider(faults=lambda prompt: ProviderRefused() if "réservé" in prompt.source else None)

    outcome = await handle(
        kind, LONG + "Ce passage est réservé à quelques lecteurs choisis.", FakeAttemptContext(refused)
    )

    assert outcome == Fail(ProviderRefused().problem)


@pytest.mark.parametrize("kind", MERGED_KINDS)
async def test_a_window_smaller_than_a_part_makes_more_parts_and_merges(kind: Kind):
    small = FakeProvider(faults=lambda prompt: ContextTooLong() if len(prompt.source) > 4_000 else None)
    await make(kind, LONG, FakeAttemptContext(small))
    assert all(len(prompt.source) <= 4_000 for prompt in small.prompts[-1:])


async def test_a_window_too_small_for_a_paragraph_fails_this_job_alone():
    tiny = FakeProvider(faults=lambda prompt: ContextTooLong())
    assert await handle(Kind.SUMMARY, LONG, FakeAttemptContext(tiny)) == Fail(ContextTooLong().problem)


@pytest.mark.parametrize("kind", AI_KINDS)
async def test_a_completion_garbled_twice_is_not_requested_again(kind: Kind):
    outcome = await handle(
        kind, FRENCH, FakeAttemptContext(FakeProvider(faults=lambda prompt: ProviderGarbled()))
    )

    assert outcome == Fail(ProviderGarbled().problem)


@pytest.mark.parametrize("kind", AI_KINDS)
async def test_the_error_of_a_busy_provider_is_raised(kind: Kind):
    context = FakeAttemptContext(FakeProvider(faults=lambda prompt: ProviderBusy(retry_after=9)))

    with pytest.raises(ProviderBusy):
        await handle(kind, FRENCH, context)


@pytest.mark.parametrize("kind", MERGED_KINDS)
async def test_the_next_attempt_makes_only_the_missing_merge_call(kind: Kind):
    is_busy = True

    def fault(prompt: Prompt) -> Exception | None:
        return ProviderBusy() if is_busy and context.asked[-1].endswith("merge") else None

    context = FakeAttemptContext(FakeProvider(faults=fault))
    with pytest.raises(ProviderBusy):
        await handle(kind, LONG, context)
    is_busy = False
    context.asked.clear()

    await make(kind, LONG, context)

    assert context.asked == [f"{kind}/merge"]


@pytest.mark.parametrize("kind", AI_KINDS)
@pytest.mark.parametrize("text", ["", "word " * 2_000, "###\n\n***", "\u202e\u200f"])
async def test_a_text_without_a_usable_sentence_fails_before_anything_is_paid(kind: Kind, text: str):
    context = FakeAttemptContext(FakeProvider())

    assert await handle(kind, text, context) == Fail(NoUsableText().problem)
    assert context.asked == []


@pytest.mark.parametrize("kind", AI_KINDS)
async def test_the_outcome_names_the_model(kind: Kind):
    outcome = await handle(
        kind, FRENCH, FakeAttemptContext(FakeProvider(model="etude-offline-1", generated_by="offline"))
    )

    assert isinstance(outcome, Done)
    assert (outcome.model, outcome.generated_by) == ("etude-offline-1", "offline")


@pytest.mark.slow
@pytest.mark.parametrize("text", [FRENCH, LONG])
@pytest.mark.parametrize("kind", AI_KINDS)
async def test_every_kind_is_made_without_a_key(kind: Kind, text: str):
    context = FakeAttemptContext(OfflineProvider())

    outcome = await handle(kind, text, context)

    assert isinstance(outcome, Done)
    assert outcome.generated_by == "offline"
    assert outcome.result.language == "fr"
    assert outcome == await handle(kind, text, FakeAttemptContext(OfflineProvider()))


@pytest.mark.parametrize("kind", AI_KINDS)
async def test_an_offline_result_is_in_the_language_of_its_source(kind: Kind):
    context = FakeAttemptContext(FakeProvider(generated_by="offline"))

    outcome = await handle(kind, FRENCH, context, Options(language=Language.EN))

    assert isinstance(outcome, Done)
    assert outcome.result.language == "fr"


def test_a_note_holds_all_of_its_draft_once():
    summary = write_note(SummaryDraft("All of it. Three.", ["One.", "Two.", "Three."]))
    explanation = write_note(ExplanationDraft("Because.", [Term("sap", "what flows in a tree")]))
    outline = write_note(
        OutlineDraft("Trees", [OutlineSection("Sap", ["It rises."]), OutlineSection("Bark", ["It keeps."])])
    )

    assert summary == "All of it. Three.\n- One.\n- Two."
    assert explanation == "Because.\n- sap: what flows in a tree"
    assert outline == "## Sap\n- It rises.\n\n## Bark\n- It keeps."
    assert write_note(TextDraft("A note.")) == "A note."


words = st.text(st.sampled_from("abé ,.\n\"'\\🗼"), max_size=30)
drafts = st.one_of(
    st.builds(SummaryDraft, words, st.lists(words, max_size=30)),
    st.builds(ExplanationDraft, words, st.lists(st.builds(Term, words, words), max_size=30)),
    st.builds(
        OutlineDraft,
        words,
        st.lists(st.builds(OutlineSection, words, st.lists(words, max_size=20)), max_size=9),
    ),
    st.builds(TextDraft, words),
)


@settings(deadline=None)
@given(draft=drafts)
def test_a_note_costs_no_more_than_the_hold_of_its_merge_allows(draft: Struct):
    assert count_tokens(write_note(draft)) <= NOTE_GROWTH * count_tokens(msgspec.json.encode(draft).decode())


def test_items_are_never_merged_as_notes():
    with pytest.raises(TypeError):
        write_note(CardDrafts([]))
