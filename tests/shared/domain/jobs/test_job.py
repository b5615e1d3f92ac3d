"""The states of a job, and the ways between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.jobs.job import AI_KINDS, FINAL_STATES, JOB_KINDS, TRANSITIONS, JobState, Kind, StreamName


def test_every_state_has_an_entry_in_the_transition_table():
    assert TRANSITIONS.keys() == set(JobState)


@pytest.mark.parametrize("state", list(JobState))
def test_is_final_agrees_with_the_final_states(state: JobState):
    assert state.is_final == (state in FINAL_STATES)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.CANCELLED])
def test_success_and_cancellation_have_no_transition(state: JobState):
    assert TRANSITIONS[state] == frozenset()


def test_the_only_transition_of_failure_is_a_replay():
    assert TRANSITIONS[JobState.FAILED] == {JobState.QUEUED}


@given(choices=st.lists(st.integers(0, 4), max_size=30))
def test_no_path_without_a_replay_leaves_a_final_state(choices: list[int]):
    state, was_final = JobState.QUEUED, False
    for choice in choices:
        onward = sorted(TRANSITIONS[state])
        if not onward or state is JobState.FAILED:
            break
        assert not was_final
        state = onward[choice % len(onward)]
        was_final = state.is_final


def test_every_state_can_be_reached_and_every_unfinished_one_can_end():
    reached, frontier = {JobState.QUEUED}, [JobState.QUEUED]
    while frontier:
        new = TRANSITIONS[frontier.pop()] - reached
        reached |= new
        frontier.extend(new)

    assert reached == set(JobState)
    for state in set(JobState) - FINAL_STATES:
        assert TRANSITIONS[state] & FINAL_STATES


def test_a_job_that_was_never_leased_cannot_succeed():
    assert JobState.SUCCEEDED not in TRANSITIONS[JobState.QUEUED]


def test_collections_have_their_own_stream():
    assert {kind.stream for kind in AI_KINDS} == {StreamName.AI}
    assert Kind.COLLECTION.stream is Kind.ITEMS.stream is StreamName.COLLECTION
    assert {*AI_KINDS, Kind.COLLECTION, Kind.ITEMS} == set(Kind)
    assert {*JOB_KINDS, Kind.COLLECTION} == set(Kind)
