"""Faults planted in the scripts, each of which the model must find: the proof that it looks."""

import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from shared.adapters.redis import scripts
from shared.adapters.redis.scripts import Script

PRELUDE = "prelude"
_FOLDER = Path(str(resources.files("shared.adapters.redis") / "lua"))


class Mutant(Struct, frozen=True):
    """One fault: `text`, found once in the file, replaced."""

    name: str
    file: str
    text: str
    replacement: str

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Until the patch is undone every caller runs the faulty script; every script, for a fault in the prelude."""
        path = next(path for path in _FOLDER.rglob("*.lua") if path.stem == self.file)
        source = path.read_text(encoding="utf-8")
        assert source.count(self.text) == 1, f"{self.file}.lua has changed: plant {self.name!r} anew"
        for script in scripts.ALL:
            if self.file in (PRELUDE, script.name):
                patch.setattr(scripts, script.name.upper(), self._infect(script, source))

    def _infect(self, script: Script[Any], source: str) -> Script[Any]:
        return _Source(script, script.source.replace(source, source.replace(self.text, self.replacement)))


class _Source(Script[Any]):
    """A script that is not what its file says."""

    def __init__(self, script: Script[Any], source: str) -> None:
        self.name = script.name
        self.read = script.read
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


MUTANTS = (
    # -- submit, hold ---------------------------------------------------------------------------------------------
    Mutant(
        "an idempotency key is ignored",
        "submit",
        "if known[1] then return answer",
        "if false then return answer",
    ),
    Mutant("an idempotency key goes with any body", "submit", "known[1] and known[1] ~= ARGV[16]", "false"),
    Mutant(
        "only the first window is checked",
        "submit",
        "  if tonumber(spent[1] or 0) + tonumber(spent[2] or 0) + tokens >",
        "  if i == 21 and tonumber(spent[1] or 0) + tonumber(spent[2] or 0) + tokens >",
    ),
    Mutant(
        "what is held is not counted against the limit",
        "submit",
        "tonumber(spent[1] or 0) + tonumber(spent[2] or 0) + tokens >",
        "tonumber(spent[1] or 0) + tokens >",
    ),
    Mutant(
        "the same submission twice is two entries",
        "submit",
        "if call('EXISTS', record) == 1 then",
        "if false then",
    ),
    Mutant(
        "waiting jobs count as being at work",
        PRELUDE,
        "call('ZCARD', live_key(user, stream)) - call('LLEN', waiting) >=",
        "call('ZCARD', live_key(user, stream)) >=",
    ),
    Mutant("one job too many is at work", PRELUDE, ">= tonumber(with_workers)", "> tonumber(with_workers)"),
    Mutant("requests are not counted", "submit", "if call('INCR', requests) == 1 then", "if true then"),
    Mutant(
        "a chat hold asked twice is held twice",
        "hold_tokens",
        "if call('EXISTS', KEYS[1]) == 1 then",
        "if false then",
    ),
    Mutant(
        "a chat hold never expires", "hold_tokens", "call('ZADD', holds_key, now_ms() + ARGV[6], ARGV[1])", ""
    ),
    # -- lease, renew, claim --------------------------------------------------------------------------------------
    Mutant(
        "a lease does not raise the attempt",
        PRELUDE,
        "job.attempt = tostring(tonumber(job.attempt) + 1)",
        "job.attempt = tostring(math.max(1, tonumber(job.attempt)))",
    ),
    Mutant(
        "a job is handed over without its trace", "submit", "'traceparent', ARGV[18]", "'traceparent', ''"
    ),
    Mutant(
        "a job is handed over with the trace of another",
        PRELUDE,
        "'held', 'traceparent', ",
        "'held', 'plan', ",
    ),
    Mutant("a job is handed over without its steps", PRELUDE, "tonumber(job.attempt) > 1 and", "false and"),
    Mutant(
        "a late reader takes the entry of who claimed it",
        "lease",
        "  elseif job.state == 'running' and job.entry == entry then",
        "  elseif job.state == 'running' and job.owner == ARGV[1] and job.entry == entry then",
    ),
    Mutant(
        "a late reader leases an entry that is gone",
        "lease",
        "job.state == 'queued' and job.entry == entry",
        "job.state == 'queued'",
    ),
    Mutant(
        "another's lease is answered as one's own",
        "lease",
        "if job.owner == ARGV[1] then",
        "if true then",
    ),
    Mutant(
        "a lease asked twice is two attempts",
        "lease",
        "if job.state == 'queued' and",
        "if (job.state == 'queued' or job.owner == ARGV[1]) and",
    ),
    Mutant(
        "renewing is a plain XCLAIM",
        "renew",
        "job.state == 'running' and job.attempt == ARGV[i + 2] and job.owner == ARGV[1]",
        "true",
    ),
    Mutant(
        "renewing does not keep a lease from being stale",
        "renew",
        "mine[#mine + 1] = 'IDLE'\n  mine[#mine + 1] = 0\n",
        "mine[#mine + 1] = 'IDLE'\n  mine[#mine + 1] = 36000000\n",
    ),
    Mutant("live leases are claimed", "claim", "consumer, ARGV[3], cursor", "consumer, 0, cursor"),
    Mutant(
        "claiming starts over every time",
        "claim",
        "local cursor = call('GET', cursor_key) or '0-0'",
        "local cursor = '0-0'",
    ),
    Mutant(
        "the cursor of claiming is not stored", "claim", "else call('SET', cursor_key, cursor) end", "end"
    ),
    Mutant(
        "a crash is not counted",
        "claim",
        "call('HINCRBY', record_key(id), 'crashes', 1)",
        "tonumber(job.crashes) + 1",
    ),
    Mutant(
        "a job that was only read is counted as crashed",
        "claim",
        "-- its consumer died between read and lease, so this is no crash of the job",
        "call('HINCRBY', record_key(id), 'crashes', 1)",
    ),
    Mutant(
        "suspects are claimed together",
        "claim",
        "takes_suspect = takes_suspect and not is_suspect",
        "takes_suspect = takes_suspect",
    ),
    Mutant(
        "a suspect is claimed beside another",
        "claim",
        "local takes_suspect = ARGV[8] == '1'",
        "local takes_suspect = true",
    ),
    Mutant(
        "a suspect that must wait is with its claimer",
        "claim",
        "call('XCLAIM', KEYS[1], GROUP, job.owner, 0, entry, 'IDLE', ARGV[3], 'JUSTID')",
        "nil",
    ),
    Mutant("a crash too many admits nobody", "claim", "admit_next(ending.user, stream)", ""),
    Mutant("a dead letter made by crashes is never saved", "claim", "call('ZADD', unsaved_key, now, id)", ""),
    Mutant(
        "the entry of a dead letter stays pending", "claim", "call('XACK', KEYS[1], GROUP, unpack(gone))", ""
    ),
    # -- keep, append ---------------------------------------------------------------------------------------------
    Mutant(
        "keeping knows no fence",
        "keep_step",
        "if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end",
        "",
    ),
    Mutant(
        "a step kept twice is charged twice",
        "keep_step",
        "== 0 then return 2 end",
        "== 0 then local again = 2 end",
    ),
    Mutant(
        "a late owner buys",
        "reserve_step",
        "if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end",
        "",
    ),
    Mutant(
        "too few items are reused",
        "reserve_step",
        "tonumber(cards) >= tonumber(ARGV[7]) and tonumber(questions) >= tonumber(ARGV[8])",
        "true",
    ),
    Mutant("a bought step is bought again", "reserve_step", "if completion then return completion end", ""),
    Mutant("nobody waits for a buyer", "reserve_step", "then return 2 end", "then end"),
    Mutant("a dead buyer is waited for", "reserve_step", " and other.attempt == attempt then", " then"),
    Mutant("a stopped buyer is waited for", "reserve_step", "if other.state == 'running' and", "if"),
    Mutant(
        "a purchase is given up by anybody", "release_step", "~= own then return 0 end", "~= own then end"
    ),
    Mutant("what a final job bought stays known", PRELUDE, "  forget_contents(id, job)\n", ""),
    Mutant(
        "a final job's contents are forgotten although another buys them",
        PRELUDE,
        "if known and string.sub(known, 1, #id + 1) == id .. ' ' then",
        "if known then",
    ),
    Mutant(
        "a late owner keeps a response",
        "keep_response",
        "if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end",
        "",
    ),
    Mutant(
        "a response that was lost stays",
        "keep_response",
        "call('HSET', steps_key(ARGV[1]), ARGV[3], ARGV[4])",
        "call('HSETNX', steps_key(ARGV[1]), ARGV[3], ARGV[4])",
    ),
    Mutant(
        "telling knows no fence",
        "append_events",
        "if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end",
        "",
    ),
    Mutant("an event asked twice is told twice", "append_events", "if number > told then", "if true then"),
    Mutant(
        "a new attempt's events pass for told",
        "append_events",
        "'^' .. ARGV[2] .. ':(%d+)$'",
        "'^%d+:(%d+)$'",
    ),
    # -- settle ---------------------------------------------------------------------------------------------------
    Mutant(
        "settling knows no fence",
        "settle",
        "job.state == 'running' and job.attempt == attempt",
        "job.state == 'running'",
    ),
    Mutant(
        "settling twice charges twice",
        "settle",
        "job.state == 'running' and job.attempt == attempt",
        "job.attempt == attempt",
    ),
    Mutant("acknowledged and not deleted", "settle", "  call('XDEL', KEYS[1], unpack(closed))\n", ""),
    Mutant("deleted and not acknowledged", "settle", "  call('XACK', KEYS[1], GROUP, unpack(closed))\n", ""),
    Mutant("nobody is admitted after an end", "settle", "      admit_next(job.user, stream)\n", ""),
    Mutant(
        "two are admitted after an end",
        "settle",
        "      admit_next(job.user, stream)\n",
        "      admit_next(job.user, stream)\n      admit_next(job.user, stream)\n",
    ),
    Mutant(
        "a retry admits somebody",
        "settle",
        "    if state == 'queued' then\n",
        "    if state == 'queued' then\n      admit_next(job.user, stream)\n",
    ),
    Mutant(
        "a retry is due and in the stream",
        "settle",
        "call('ZADD', due_key, now + delay, id)",
        "call('ZADD', due_key, now + delay, id)\n    enqueue(id, stream, job.kind, job.v)",
    ),
    Mutant("a due job remembers its old entry", "settle", "call('HDEL', record_key(id), 'entry')", "local _"),
    # -- the end of a job -----------------------------------------------------------------------------------------
    Mutant("what was held is not given back", PRELUDE, "if held > 0 and", "if false and"),
    Mutant("what was used is not charged", PRELUDE, "if used > 0 then", "if false then"),
    Mutant(
        "only the first window is settled",
        PRELUDE,
        "string.gmatch(windows, '[^,]+')",
        "string.gmatch(windows, '^[^,]+')",
    ),
    Mutant("a final record never expires", PRELUDE, "  call('PEXPIRE', record, keep_ms)\n", ""),
    Mutant(
        "a final job's events never expire", PRELUDE, "  call('PEXPIRE', job_events_key(id), keep_ms)\n", ""
    ),
    Mutant(
        "the steps of a final job stay", PRELUDE, "    if job.kept then call('DEL', steps_key(id)) end\n", ""
    ),
    Mutant(
        "the steps of a dead letter are deleted",
        PRELUDE,
        "if job.kept then call('PEXPIRE', steps_key(id), keep_ms) end",
        "call('DEL', steps_key(id))",
    ),
    Mutant("a dead letter goes as early as others", PRELUDE, "    keep_ms = DEAD_RETENTION_MS\n", ""),
    Mutant(
        "a final job stays among the unfinished",
        PRELUDE,
        "  call('ZREM', live_key(job.user, job.stream), id)\n",
        "",
    ),
    Mutant(
        "an event is told to the user's log only",
        PRELUDE,
        "  call('XADD', job_events_key(id), 'MAXLEN', '~', JOB_LOG_CAP, event, 'event', fact)\n",
        "",
    ),
    Mutant(
        "an event has two ids", PRELUDE, "JOB_LOG_CAP, event, 'event'", "JOB_LOG_CAP, event .. '7', 'event'"
    ),
    Mutant(
        "who is admitted keeps waiting",
        PRELUDE,
        "local id = call('LPOP', list)",
        "local id = call('LINDEX', list, 0)",
    ),
    Mutant("the newest is admitted first", PRELUDE, "call('LPOP', list)", "call('RPOP', list)"),
    # -- removal --------------------------------------------------------------------------------------------------
    Mutant(
        "anybody may remove",
        "remove",
        "if job.user and job.user ~= user then return 0 end",
        "",
    ),
    Mutant(
        "an unfinished job is removed",
        "remove",
        "if job.state == 'queued' or job.state == 'running' then return -1 end",
        "",
    ),
    Mutant(
        "a removed job keeps its idempotency key",
        "remove",
        "call('HGET', idempotency_key(user, key), 'job') == id",
        "false",
    ),
    Mutant(
        "a job does not know its idempotency key",
        "submit",
        "  call('SET', job_idempotency_key(id), ARGV[15], 'PX', IDEMPOTENCY_MS)\n",
        "",
    ),
    Mutant("a removed job stays a dead letter", "remove", "call('ZREM', dead_key, id) == 1", "false"),
    Mutant("a removed dead letter is not booked", "remove", "book('letters_removed')", "local _"),
    Mutant("a removed job keeps its steps", "remove", "call('DEL', steps_key(id), ", "call('DEL', "),
    Mutant("a removed job keeps its payload", "remove", "'payload', '', ", ""),
    Mutant("a removed job keeps its problem", "remove", "'problem', '', ", ""),
    Mutant(
        "a removed job never expires",
        "remove",
        "call('PEXPIRE', KEYS[1], RETENTION_MS)",
        "call('PERSIST', KEYS[1])",
    ),
    Mutant(
        "the row of a removed job is never written", "remove", "call('ZADD', unsaved_key, now_ms(), id)", ""
    ),
    Mutant("the events of a removed job stay", "forget_events", "if #gone > 0 then", "if false then"),
    Mutant(
        "the events of other jobs go too",
        "forget_events",
        "if string.sub(fact, 1, #start) == start then",
        "if true then",
    ),
    Mutant("a removal is not told", "forget_events", "tell(id, ARGV[2], 'removed', ", "tostring("),
    # -- the ledger -----------------------------------------------------------------------------------------------
    Mutant("an accepted job is not booked", "submit", "book('accepted')\n", ""),
    Mutant(
        "a submission sent twice is booked twice",
        "submit",
        "if call('EXISTS', record) == 1 then",
        "if call('EXISTS', record) == 1 then book('accepted')",
    ),
    Mutant("an end is not booked", PRELUDE, "  book(state)\n", ""),
    Mutant("a dead letter is not booked", PRELUDE, "    book('dead_lettered')\n", ""),
    Mutant("a replay is not booked", "replay", "book('replayed')\n", ""),
    Mutant("a replay is an acceptance", "replay", "book('replayed')", "book('accepted')"),
    Mutant("a waiting job is not booked", PRELUDE, "    book('waiting')\n", ""),
    Mutant("an admitted job is booked as waiting", PRELUDE, "    book('waiting', -1)\n", ""),
    Mutant(
        "a cancelled job is booked as waiting", "cancel", "if was_waiting then book('waiting', -1) end\n", ""
    ),
    # -- cancel, replay, promote, release, expire, forget ---------------------------------------------------------
    Mutant(
        "anybody may cancel",
        "cancel",
        "if job.user ~= user then return 0 end",
        "if not job.user then return 0 end",
    ),
    Mutant(
        "a final job can be cancelled",
        "cancel",
        "if job.state ~= 'queued' and job.state ~= 'running' then return 2 end",
        "",
    ),
    Mutant("a cancelled job is still due", "cancel", "call('ZREM', due_key, id)", ""),
    Mutant(
        "a cancelled job keeps waiting",
        "cancel",
        "call('LREM', waiting_key(user, job.stream), 1, id) == 1",
        "false",
    ),
    Mutant("a cancelled job's entry stays", "cancel", "if job.entry then", "if false then"),
    Mutant(
        "a cancelled job lets nobody in",
        "cancel",
        "if not was_waiting then admit_next(user, job.stream) end",
        "",
    ),
    Mutant("cancelling a waiting job lets one in", "cancel", "if not was_waiting then", "if true then"),
    Mutant(
        "a cancelled job does not pay for its steps",
        "cancel",
        "tonumber(job.prompt), tonumber(job.completion), ''",
        "0, 0, ''",
    ),
    Mutant(
        "a replayed job passes those that wait",
        "replay",
        "admit(id, user, job.stream, job.kind, job.v, ARGV[2])",
        "enqueue(id, job.stream, job.kind, job.v)",
    ),
    Mutant("a replayed job remembers its old entry", "replay", "call('HDEL', record, 'entry')", "local _"),
    Mutant(
        "a replayed job stays a dead letter",
        "replay",
        "call('ZREM', dead_key, id) == 0",
        "not call('ZSCORE', dead_key, id)",
    ),
    Mutant("a replayed job holds nothing", "replay", "  call('HINCRBY', budget, 'held', job.hold)\n", ""),
    Mutant("a replayed job pays twice for its steps", "replay", ", 'prompt', 0, 'completion', 0)", ")"),
    Mutant("a replayed job expires", "replay", " call('PERSIST', key) end", " end"),
    Mutant("promoting loses the job", "promote", "  enqueue_if_queued(id)\n", ""),
    Mutant("promoting twice is two entries", "promote", "  call('ZREM', due_key, id)\n", ""),
    Mutant("a chat hold can be released twice", "release_hold", "call('DEL', KEYS[1])", ""),
    Mutant("a released chat hold expires once more", "release_hold", "call('ZREM', holds_key, ARGV[1])", ""),
    Mutant(
        "an expired chat hold is not given back",
        "expire_holds",
        "if hold.user then settle_windows",
        "if false then settle_windows",
    ),
    Mutant(
        "consumers are forgotten with what they hold", "remove_idle_consumers", "facts.pending == 0 and ", ""
    ),
)
