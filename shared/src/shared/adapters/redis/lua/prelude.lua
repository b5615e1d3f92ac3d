-- prelude: what every script begins with. The names of keys (as in keys.py; a test holds the two together), the
-- clock, and the things that happen in more than one script: telling an event, letting a job in, freeing a hold, ending
-- a job, handing it to an owner.
--
--   KEYS[1] is always a key of the shard: it routes the call, and its hash tag begins every name made here.
--   Times are the server's, in ms: one clock for the whole fleet, whatever a worker believes the time is.
local call = redis.call
local tag = string.match(KEYS[1], '^{[^}]+}')
local GROUP = 'workers'
local RETENTION_MS = 3600000        -- a final record and its events stay for one hour
local DEAD_RETENTION_MS = 604800000 -- a dead letter stays a week: long enough for somebody to look
local USER_LOG_MS = 86400000        -- a user's event log goes a day after its last event
local JOB_LOG_CAP, USER_LOG_CAP = 2000, 10000 -- entries; above what one job, one user's day makes

local function stream_key(stream) return tag .. ':stream:' .. stream end
local function record_key(id) return tag .. ':job:' .. id end
local function steps_key(id) return tag .. ':job:' .. id .. ':steps' end
local function job_events_key(id) return tag .. ':job:' .. id .. ':events' end
local function user_events_key(user) return tag .. ':user:' .. user .. ':events' end
local function live_key(user, stream) return tag .. ':user:' .. user .. ':live:' .. stream end
local function waiting_key(user, stream) return tag .. ':user:' .. user .. ':waiting:' .. stream end
local function budget_key(user, window) return tag .. ':user:' .. user .. ':budget:' .. window end
local function requests_key(user, minute) return tag .. ':user:' .. user .. ':requests:' .. minute end
local function idempotency_key(user, key) return tag .. ':idem:' .. user .. ':' .. key end
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

-- Reads fields of a hash by name; a missing one is false.
local function read_fields(key, names)
  local fields, values = {}, call('HMGET', key, unpack(names))
  for i, name in ipairs(names) do fields[name] = values[i] end
  return fields
end

-- Increments a counter of the ledger. Invariant: accepted + replayed = ended + queued + running + waiting.
local function book(what, jobs) call('HINCRBY', ledger_key, what, jobs or 1) end

-- One fact, in the job's log and in its user's under one id, and at once to whoever listens:
-- `<job id> <name> <data>`, published with its event id in front.
local function tell(id, user, name, data)
  local log, fact = user_events_key(user), id .. ' ' .. name .. ' ' .. data
  local event = call('XADD', log, 'MAXLEN', '~', USER_LOG_CAP, '*', 'event', fact)
  call('XADD', job_events_key(id), 'MAXLEN', '~', JOB_LOG_CAP, event, 'event', fact)
  call('PUBLISH', log, event .. ' ' .. fact)
end

local function status_json(id, kind, status, attempt, more)
  return '{"job_id":"' .. id .. '","kind":"' .. kind .. '","status":"' .. status .. '","attempt":' .. attempt .. (more or '') .. '}'
end

local function done_json(id, kind, status, prompt, completion, problem)
  local json = '{"job_id":"' .. id .. '","kind":"' .. kind .. '","status":"' .. status
    .. '","usage":{"prompt_tokens":' .. prompt .. ',"completion_tokens":' .. completion .. '}'
  if problem and problem ~= '' then json = json .. ',"problem":' .. problem end
  return json .. '}'
end

-- Into the work stream. The record remembers its entry, so that a cancel can take it out again.
local function enqueue(id, stream, kind, version)
  local entry = call('XADD', stream_key(stream), '*', 'job', id, 'kind', kind, 'v', version)
  call('HSET', record_key(id), 'entry', entry)
end

-- A job that may begin: into the stream; or into its user's own list, while as many of that user's jobs of this stream
-- are with workers as the plan allows. To be called before the job is among the live ones.
local function admit(id, user, stream, kind, version, with_workers)
  local waiting = waiting_key(user, stream)
  if call('ZCARD', live_key(user, stream)) - call('LLEN', waiting) >= tonumber(with_workers) then
    call('RPUSH', waiting, id)
    book('waiting')
  else
    enqueue(id, stream, kind, version)
  end
end

-- A job of this user left the stream for good: the longest waiting one may enter.
local function admit_next(user, stream)
  local list = waiting_key(user, stream)
  while true do
    local id = call('LPOP', list)
    if not id then return end
    book('waiting', -1)
    local job = read_fields(record_key(id), {'state', 'kind', 'v'})
    if job.state == 'queued' then return enqueue(id, stream, job.kind, job.v) end
  end
end

-- used grows by what was spent, held shrinks by what was held, in each window the hold was taken in.
local function settle_windows(user, windows, held, used)
  for window in string.gmatch(windows, '[^,]+') do
    local budget = budget_key(user, window)
    if used > 0 then call('HINCRBY', budget, 'used', used) end
    -- Below zero: the window is long over and its key had gone; do not leave a new one behind.
    if held > 0 and call('HINCRBY', budget, 'held', -held) < 0 then call('DEL', budget) end
  end
end

-- Ends a job: its state, budget, keys and last event. Only for a job that is not final yet.
local ENDING = {'state', 'attempt', 'user', 'kind', 'stream', 'windows', 'held', 'kept', 'v', 'entry', 'prompt', 'completion'}

local function read_ending(id) return read_fields(record_key(id), ENDING) end

local function finish(id, job, state, prompt, completion, problem, failures, now, is_dead)
  local record = record_key(id)
  settle_windows(job.user, job.windows, tonumber(job.held), prompt + completion)
  call('ZREM', live_key(job.user, job.stream), id)
  tell(id, job.user, 'done', done_json(id, job.kind, state, prompt, completion, problem))
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
  call('PEXPIRE', record, keep_ms)
  call('PEXPIRE', job_events_key(id), keep_ms)
  call('PEXPIRE', user_events_key(job.user), USER_LOG_MS)
end

-- What the new owner of a job needs. Lease and claim reply with {now (ms), LEASED_NAMES, then for each job its values in
-- the order of these names}: the names are sent once, however many jobs there are.
local LEASED = {'user', 'kind', 'v', 'payload', 'attempt', 'failures', 'crashes', 'created', 'started', 'prompt', 'completion',
  'plan', 'request', 'title', 'windows', 'held', 'traceparent', 'state', 'owner', 'entry'}
local LEASED_NAMES = {'id', 'steps', unpack(LEASED)}

local function read_leased(id)
  local job = read_fields(record_key(id), LEASED)
  job.id = id
  return job
end

local function values_of(job)
  job.steps = tonumber(job.attempt) > 1 and call('HGETALL', steps_key(job.id)) or false
  local values = {}
  for i, name in ipairs(LEASED_NAMES) do values[i] = job[name] end
  return values
end

-- Hands a job to an owner. The attempt grows, and with it the fence. Returns the job's values for the reply.
local function lease_to(owner, job, now)
  job.attempt = tostring(tonumber(job.attempt) + 1)
  if job.started == '0' then job.started = tostring(now) end
  call('HSET', record_key(job.id), 'state', 'running', 'attempt', job.attempt, 'owner', owner, 'started', job.started)
  tell(job.id, job.user, 'status', status_json(job.id, job.kind, 'running', job.attempt))
  return values_of(job)
end
