"""What must hold in every state of a shard, whatever led to it: said without the model, which might err like the scripts."""

from collections import Counter

from tests.model.shard_state import NEVER, ShardState

from shared.domain.jobs.job import TRANSITIONS, JobState, UserId

Tokens = Counter[tuple[UserId, str]]
"""By user and window."""


def check_state(state: ShardState) -> None:
    """Raises `AssertionError`, like all here."""
    check_places(state)
    check_holds(state)
    check_endings(state)
    check_totals(state)
    check_removed(state)
    check_contents(state)


def check_places(state: ShardState) -> None:
    """An unfinished job is in exactly one place; a running one is pending with its owner; a final one is nowhere."""
    places = Counter(job_id for jobs in state.entries.values() for job_id in jobs)
    places.update(job_id for jobs in state.waiting.values() for job_id in jobs)
    places.update(state.due)
    unfinished = {job_id for job_id, job in state.jobs.items() if not job.state.is_final}
    assert places == Counter(unfinished)
    assert unfinished == {job_id for jobs in state.live.values() for job_id in jobs}
    for job_id, job in state.jobs.items():
        if job.state is JobState.RUNNING:
            assert state.pending[job_id].consumer == job.owner, job_id


def check_holds(state: ShardState) -> None:
    """What is held is what unfinished jobs and chat answers hold, to the token."""
    held = Tokens()
    for job in state.jobs.values():
        held.update({(job.user, window): job.held for window in job.windows})
    for hold in state.holds.values():
        held.update({(hold.user, window): hold.tokens for window in hold.windows})
    assert {key: counts.held for key, counts in state.budgets.items() if counts.held} == +held


def check_endings(state: ShardState) -> None:
    """What is final expires, all of it at one time, and holds nothing; what is not stays."""
    for job_id, job in state.jobs.items():
        assert len(job.expires) == 1, job_id
        assert (NEVER in job.expires) != job.state.is_final, job_id
        assert job.held == (0 if job.state.is_final else job.hold), job_id


def check_removed(state: ShardState) -> None:
    """A removed job is final, has no text, and nothing is told of it but that it was removed."""
    for job_id, job in state.jobs.items():
        if job.is_removed:
            assert job.state.is_final
            assert (job.has_payload, job.steps, job.problem) == (False, {}, "")
            assert [told.name for told in state.logs[job.user] if told.job_id == job_id] == ["removed"], (
                job_id
            )
            assert job_id not in {known for _, known in state.idempotency.values()}


def check_contents(state: ShardState) -> None:
    """Only an unfinished job buys, for its own user, and it knows of what."""
    for (user, content), known in state.contents.items():
        job = state.jobs[known.job_id]
        assert (job.user, job.state.is_final) == (user, False), content
        assert content in job.contents


def check_totals(state: ShardState) -> None:
    """Every job that was let in, by acceptance or replay, has ended or is somewhere; a dead letter was left, replayed or removed."""
    totals, waiting = Counter(state.totals), sum(len(jobs) for jobs in state.waiting.values())
    there = sum(len(jobs) for jobs in state.entries.values()) + len(state.due) + totals["waiting"]
    ended = totals["succeeded"] + totals["failed"] + totals["cancelled"]
    assert totals["waiting"] == waiting
    assert totals["accepted"] + totals["replayed"] == ended + there
    assert totals["dead_lettered"] == totals["replayed"] + totals["letters_removed"] + len(state.dead)


def check_step(before: ShardState, after: ShardState) -> None:
    """What one command may change of what was."""
    for job_id, job in before.jobs.items():
        now = after.jobs[job_id]
        assert now.attempt >= job.attempt, job_id
        assert now.state is job.state or now.state in TRANSITIONS[job.state], job_id
        if job.state.is_final and now.state is not job.state:
            assert job_id in before.dead - after.dead, job_id
    removed = {job_id for job_id, job in after.jobs.items() if job.is_removed}
    for user, log in before.logs.items():
        kept = [told for told in log if told.job_id not in removed]
        assert [told for told in after.logs[user] if told.job_id not in removed][: len(kept)] == kept, user
    if before.holds == after.holds:
        check_charges(before, after)


def check_charges(before: ShardState, after: ShardState) -> None:
    """Used grows by what the jobs that ended have cost, once."""
    ended = Tokens()
    for job_id, job in before.jobs.items():
        now = after.jobs[job_id]
        if now.state.is_final and not job.state.is_final:
            ended.update({(now.user, window): now.prompt + now.completion for window in now.windows})
    used_before = Tokens({key: counts.used for key, counts in before.budgets.items()})
    used_after = Tokens({key: counts.used for key, counts in after.budgets.items()})
    assert +used_after == +(used_before + ended)


def check_rest(state: ShardState) -> None:
    """Once everything is final, what stays is what expires, and the letters of the dead."""
    left = (*state.entries.values(), state.pending, state.due, state.waiting, state.live, state.holds)
    assert not any(left)
