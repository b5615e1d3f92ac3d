-- prelude: code that precedes every script: the names of keys (as in keys.py; a test compares the two), the clock, and
-- steps shared by several scripts: appending an event, admitting a job, settling a hold, ending a job, leasing a job.
--
--   KEYS[1] is always a key of the shard: it routes the call, and every key name made here begins with its hash tag.
--   Times come from the Redis server, in Unix ms, because the clocks of workers may differ.
local call = redis.call
local tag = string.match(KEYS[1], '^{[^}]+}')
local GROUP = 'workers'
local RETENTION_MS = 3600000        -- a final record and its events are kept for one hour
local DEAD_RETENTION_MS = 604800000 -- a dead letter is kept for a week, so that an operator can inspect it
local USER_LOG_MS = 86400000        -- a user's event log expires a day after the last submission or end of a job
local CONTENTS_MS = 86400000        -- what a user's unfinished jobs buy is forgotten a day after the last purchase began
local STREAMS = {'ai', 'collection'} -- as StreamName
local JOB_LOG_CAP, USER_LOG_CAP = 2000, 10000 -- maximum numbers of entries; more than a job, or a user in a day, produces

local function stream_key(stream) return tag .. ':stream:' .. stream end
local function record_key(id) return tag .. ':job:' .. id end
local function steps_key(id) return tag .. ':job:' .. id .. ':steps' end
local function contents_key(user) return tag .. ':user:' .. user .. ':contents' end
local function job_events_key(id) return tag .. ':job:' .. id .. ':events' end
local function user_events_key(user) return tag .. ':user:' .. user .. ':events' end
local function live_key(user, stream) return tag .. ':user:' .. user .. ':live:' .. stream end
local function waiting_key(user, stream) return tag .. ':user:' .. user .. ':waiting:' .. stream end
local function budget_key(user, window) return tag .. ':user:' .. user .. ':budget:' .. window end
local function requests_key(user, minute) return tag .. ':user:' .. user .. ':requests:' .. minute end
local function idempotency_key(user, key) return tag .. ':idem:' .. user .. ':' .. key end
local function job_idempotency_key(id) return tag .. ':job:' .. id .. ':idem' end
local function spent_key(pseudonym, window) return tag .. ':spent:' .. pseudonym .. ':' .. window end
local function hold_key(id) return tag .. ':hold:' .. id end
local function sweep_key(stream) return tag .. ':sweep:' .. stream end
local function sweep_seen_key(stream) return tag .. ':sweep:seen:' .. stream end
local function sweep_cursor_key(stream) return tag .. ':sweep:cursor:' .. stream end
local due_key, holds_key = tag .. ':due', tag .. ':holds'
local unsaved_key, dead_key = tag .. ':unsaved', tag .. ':dead'
local ledger_key, since_key = tag .. ':ledger', tag .. ':since'

local function now_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Reads fields of a hash by name. A missing field is false.
local function read_fields(key, names)
  local fields, values = {}, call('HMGET', key, unpack(names))
  for i, name in ipairs(names) do fields[name] = values[i] end
  return fields
end

-- Increments a ledger counter. Invariant: accepted + replayed = ended + queued + running + waiting.
local function book(what, jobs) call('HINCRBY', ledger_key, what, jobs or 1) end

-- Appends `<job id> <name> <data>` to the user's log and, with the same event id, to the job's log, and publishes it
-- with the event id in front. A log that is no stream loses its events, and stops nothing else.
local function tell(id, user, name, data)
  local log, fact = user_events_key(user), id .. ' ' .. name .. ' ' .. data
  pcall(function()
    local event = call('XADD', log, 'MAXLEN', '~', USER_LOG_CAP, '*', 'event', fact)
    call('XADD', job_events_key(id), 'MAXLEN', '~', JOB_LOG_CAP, event, 'event', fact)
    call('PUBLISH', log, event .. ' ' .. fact)
  end)
end

local function status_json(id, kind, status, attempt, more)
  return '{"job_id":"' .. id .. '","kind":"' .. kind .. '","status":"' .. status .. '","attempt":' .. attempt .. (more or '') .. '}'
end

local function is_positive(count) return count and #count <= 15 and string.find(count, '^[1-9]%d*$') ~= nil end

-- `job` has the cached and the reasoning tokens and the reused calls, which are left out when they are 0.
local function done_json(id, job, status, prompt, completion, problem)
  local json = '{"job_id":"' .. id .. '","kind":"' .. job.kind .. '","status":"' .. status
    .. '","usage":{"prompt_tokens":' .. prompt .. ',"completion_tokens":' .. completion
  if is_positive(job.cached) then json = json .. ',"cached_tokens":' .. job.cached end
  if is_positive(job.reasoning) then json = json .. ',"reasoning_tokens":' .. job.reasoning end
  if is_positive(job.reused) then json = json .. ',"reused":' .. job.reused end
  json = json .. '}'
  if problem and problem ~= '' then json = json .. ',"problem":' .. problem end
  return json .. '}'
end

-- Sets a count that is missing in the record while it is 0.
local function set_positive(id, name, count)
  if is_positive(count) then call('HSET', record_key(id), name, count) end
end

-- Adds a job to the work stream. The record stores the entry id, so that cancel can delete the entry.
local function enqueue(id, stream, kind, version)
  local entry = call('XADD', stream_key(stream), '*', 'job', id, 'kind', kind, 'v', version)
  call('HSET', record_key(id), 'entry', entry)
end

-- Adds a job to the work stream, or to its user's waiting list while the user has `with_workers` jobs of this stream in
-- it already. Must be called before the job is added to the live set, or the job would count itself.
local function admit(id, user, stream, kind, version, with_workers)
  local waiting = waiting_key(user, stream)
  if call('ZCARD', live_key(user, stream)) - call('LLEN', waiting) >= tonumber(with_workers) then
    call('RPUSH', waiting, id)
    book('waiting')
  else
    enqueue(id, stream, kind, version)
  end
end

local function is_stream(name)
  for _, stream in ipairs(STREAMS) do
    if stream == name then return true end
  end
  return false
end

-- The stream of a job whose record names none: the one whose live jobs hold it, or else `default`.
local function find_stream(id, user, default)
  for _, stream in ipairs(STREAMS) do
    if user and call('ZSCORE', live_key(user, stream), id) then return stream end
  end
  return default
end

local set_aside -- defined below; a record that cannot be read must not stop other jobs

-- Adds a job to its work stream if it is queued, and returns whether it did. A job whose record cannot be read is set aside.
local function enqueue_if_queued(id, stream)
  local is_readable, is_queued = pcall(function()
    local job = read_fields(record_key(id), {'state', 'stream', 'kind', 'v', 'user'})
    if job.state and not job.user then error('nobody\'s job') end
    if job.state and job.stream ~= stream and (stream or not is_stream(job.stream)) then error('another stream') end
    if job.state == 'queued' then enqueue(id, stream or job.stream, job.kind, job.v) end
    return job.state == 'queued'
  end)
  if not is_readable then pcall(set_aside, id, stream) end
  return is_readable and is_queued
end

-- Moves the user's longest waiting job into the stream. Called when one of the user's jobs has left it for good.
local function admit_next(user, stream)
  local list = waiting_key(user, stream)
  while true do
    local id = call('LPOP', list)
    if not id then return end
    book('waiting', -1)
    if enqueue_if_queued(id, stream) then return end
  end
end

-- Gives a user who was erased and has come back what they had used in a window.
local function return_budget(user, pseudonym, window)
  local spent, budget = spent_key(pseudonym, window), budget_key(user, window)
  if call('EXISTS', spent) == 1 and call('EXISTS', budget) == 0 then call('RENAME', spent, budget) end
end

-- Adds `used` tokens to, and takes `held` tokens off, each window in which the hold was taken.
local function settle_windows(user, windows, held, used)
  for window in string.gmatch(windows, '[^,]+') do
    local budget = budget_key(user, window)
    if used > 0 then call('HINCRBY', budget, 'used', used) end
    -- A value below zero means that the key had expired and HINCRBY created it anew without expiry, so it is deleted.
    if held > 0 and call('HINCRBY', budget, 'held', -held) < 0 then call('DEL', budget) end
  end
end

-- Ends a job: settles its budget, writes its final state and `done` event, sets expiries. The job must not be final.
local ENDING = {'state', 'attempt', 'user', 'kind', 'stream', 'windows', 'held', 'kept', 'v', 'entry', 'prompt', 'completion',
  'cached', 'reasoning', 'reused', 'contents'}

local function read_ending(id)
  local job = read_fields(record_key(id), ENDING)
  if job.state and not is_stream(job.stream) then job.stream = find_stream(id, job.user, STREAMS[1]) end
  return job
end

-- Forgets that a job buys or has bought some contents, unless another job of the user has taken over.
local function forget_contents(id, job)
  local key = contents_key(job.user)
  for content in string.gmatch(job.contents or '', '%S+') do
    local known = call('HGET', key, content)
    if known and string.sub(known, 1, #id + 1) == id .. ' ' then call('HDEL', key, content) end
  end
  if job.contents then call('HDEL', record_key(id), 'contents') end
end

local function finish(id, job, state, prompt, completion, problem, failures, now, is_dead)
  local record = record_key(id)
  assert(tonumber(job.held) and job.user and job.windows) -- checked before anything is written
  settle_windows(job.user, job.windows, tonumber(job.held), prompt + completion)
  call('ZREM', live_key(job.user, job.stream), id)
  forget_contents(id, job)
  tell(id, job.user, 'done', done_json(id, job, state, prompt, completion, problem))
  local changes = {'state', state, 'finished', now, 'prompt', prompt, 'completion', completion, 'held', 0, 'problem', problem, 'failures', failures}
  local keep_ms = RETENTION_MS
  book(state)
  if is_dead then
    book('dead_lettered')
    keep_ms = DEAD_RETENTION_MS
    call('ZREMRANGEBYSCORE', dead_key, '-inf', now - DEAD_RETENTION_MS)
    call('ZADD', dead_key, now, id)
    if job.kept then call('PEXPIRE', steps_key(id), keep_ms) end
  else
    changes[#changes + 1] = 'payload'
    changes[#changes + 1] = ''
    if job.kept then call('DEL', steps_key(id)) end
  end
  call('HSET', record, unpack(changes))
  set_positive(id, 'cached', job.cached)
  set_positive(id, 'reasoning', job.reasoning)
  set_positive(id, 'reused', job.reused)
  call('PEXPIRE', record, keep_ms)
  call('PEXPIRE', job_events_key(id), keep_ms)
  call('PEXPIRE', user_events_key(job.user), USER_LOG_MS)
end

-- Fields that the new owner of a job needs. Lease and claim reply with {now (ms), LEASED_NAMES, then for each job its
-- values in the order of these names}, so that the names are sent once and not with every job.
local LEASED = {'user', 'kind', 'v', 'payload', 'attempt', 'failures', 'crashes', 'created', 'started', 'prompt', 'completion',
  'cached', 'reasoning', 'reused', 'plan', 'request', 'title', 'windows', 'held', 'traceparent', 'state', 'owner', 'entry'}
local LEASED_NAMES = {'id', 'steps', unpack(LEASED)}

local STATES = {queued = true, running = true, succeeded = true, failed = true, cancelled = true}

local READ_FOR_LEASE = {'stream', unpack(LEASED)}

local function read_leased(id)
  local job = read_fields(record_key(id), READ_FOR_LEASE)
  assert(not job.state or STATES[job.state], 'no state')
  job.id = id
  if job.state == 'queued' or job.state == 'running' then
    assert(stream_key(job.stream or '') == KEYS[1], 'another stream')
  end
  return job
end

local function is_entry_of(id, entry, stream)
  local found = entry and redis.pcall('XRANGE', stream, entry, entry)[1] -- an entry that is no id finds nothing
  return found and found[2][2] == id
end

-- Whether an unfinished job has a way to its end besides the entry at hand: another entry of its own, a retry that is due,
-- or a place in its user's waiting list. A job without one would stay unfinished for ever.
local function is_elsewhere(job)
  if job.entry then return is_entry_of(job.id, job.entry, KEYS[1]) end
  if call('ZSCORE', due_key, job.id) then return true end
  return call('LPOS', waiting_key(job.user, string.match(KEYS[1], ':stream:(.+)$')), job.id)
end

-- Raises an error for a job that is unfinished and nowhere else, although `entry` is not its own.
local function check_entry(job)
  assert((job.state ~= 'queued' and job.state ~= 'running') or is_elsewhere(job), 'no entry')
end

local function values_of(job)
  job.steps = tonumber(job.attempt) > 1 and call('HGETALL', steps_key(job.id)) or false
  local values = {}
  for i, name in ipairs(LEASED_NAMES) do values[i] = job[name] end
  return values
end

-- Makes `owner` the owner of a job. The attempt number is the fence and grows by 1. Returns the job's values for the reply.
local function lease_to(owner, job, now)
  job.attempt = tostring(tonumber(job.attempt) + 1)
  if job.started == '0' then job.started = tostring(now) end
  call('HSET', record_key(job.id), 'state', 'running', 'attempt', job.attempt, 'owner', owner, 'started', job.started)
  tell(job.id, job.user, 'status', status_json(job.id, job.kind, 'running', job.attempt))
  return values_of(job)
end

local UNREADABLE = '{"code":"unreadable_record"}'
local NUMBERS = {'attempt', 'failures', 'crashes', 'created', 'started', 'prompt', 'completion', 'hold', 'held', 'v'}
local TEXTS = {user = '', kind = 'unknown', plan = '', request = '', title = '', windows = '', traceparent = ''}

local function is_count(value) return value and #value <= 15 and string.find(value, '^%d+$') ~= nil end

-- Repairs a record so that it can be shown: a number that is missing or not a count becomes 0, and a text that is missing
-- or named in `bad` gets a default. A key that holds no hash is renamed, and kept for as long as a dead letter.
local function mend_record(id, stream, bad)
  local record = record_key(id)
  local found = call('TYPE', record).ok
  if found ~= 'hash' and found ~= 'none' then
    local kept = tag .. ':unreadable:' .. id
    call('RENAME', record, kept)
    call('PEXPIRE', kept, DEAD_RETENTION_MS)
  end
  local numbers = read_fields(record, NUMBERS)
  if not is_count(numbers.held) and is_count(numbers.hold) then call('HSET', record, 'held', numbers.hold) end
  for _, name in ipairs(NUMBERS) do
    if not is_count(numbers[name]) and not (name == 'held' and is_count(numbers.hold)) then call('HSET', record, name, 0) end
  end
  for _, name in ipairs({'cached', 'reasoning', 'reused'}) do
    local count = call('HGET', record, name)
    if count and not is_count(count) then call('HDEL', record, name) end
  end
  for name, default in pairs(TEXTS) do
    if bad[name] or not call('HGET', record, name) then call('HSET', record, name, default) end
  end
  call('HSET', record, 'stream', find_stream(id, call('HGET', record, 'user'), stream))
end

-- Ends a job whose record cannot be read as a dead letter. If the record still has its user, the hold is released and the
-- row is saved. Returns the user, or nil if the job was final already.
set_aside = function(id, stream, bad)
  mend_record(id, stream or STREAMS[1], bad or {})
  local job, now = read_ending(id), now_ms()
  if job.state == 'succeeded' or job.state == 'failed' or job.state == 'cancelled' then return nil end
  finish(id, job, 'failed', tonumber(job.prompt), tonumber(job.completion), UNREADABLE, 1, now, true)
  call('ZREM', due_key, id)
  if job.user ~= '' then call('ZADD', unsaved_key, now, id) end
  return job.user
end

-- Returns the values of a job that cannot be leased: only its id and entry. The consumer that receives them sets it aside.
local function unreadable_values(id, entry)
  local values = {}
  for i, name in ipairs(LEASED_NAMES) do values[i] = name == 'id' and id or name == 'entry' and entry or false end
  return values
end
