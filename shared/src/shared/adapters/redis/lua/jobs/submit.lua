-- submit: accept a job, or refuse it and write nothing.
--   KEYS  1 work stream
--   ARGV  1 id  2 user  3 kind  4 wire version  5 stream  6 payload  7 plan  8 request id  9 title  10 tokens to hold
--         11 limit of requests a minute  12 limit of the user's jobs in one stream  13 limit of unfinished jobs
--         14 limit of entries in the stream  15 idempotency key or ''  16 fingerprint  17 minute (Unix)
--         18 traceparent or ''  19 names of all streams, joined by commas  20 pseudonym of the user
--         then for each window: key, limit (tokens), expires at (Unix ms)
--   returns alternating names and values: code; requests in this minute; job id; counts {used, held of each window}
--           code 1 accepted | 2 known idempotency key, job is the one accepted then
--               -1 idempotency key used with another fingerprint | -2 too many requests | -3 too many unfinished jobs
--               -4 backlog full | -(4 + n) window n, counted from 1, has too few tokens left
local IDEMPOTENCY_MS = 86400000
local id, user, kind, stream = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local record, tokens = record_key(id), tonumber(ARGV[10])
local requests = requests_key(user, ARGV[17])

local function answer(code, job_id)
  local counts = {}
  for i = 21, #ARGV, 3 do
    local window = call('HMGET', budget_key(user, ARGV[i]), 'used', 'held')
    counts[#counts + 1] = tonumber(window[1] or 0)
    counts[#counts + 1] = tonumber(window[2] or 0)
  end
  return {'code', code, 'requests', tonumber(call('GET', requests) or 0), 'job', job_id, 'counts', counts}
end

-- WAITAOF and WAIT cover the writes of this connection only. A repeated submission may arrive on another one, so its
-- reply must follow a write too: here, of an expiry.
local function answer_again(code, job_id)
  call('PEXPIRE', user_events_key(user), USER_LOG_MS)
  return answer(code, job_id)
end

-- The client repeats a submission whose reply was lost: it was accepted.
if call('EXISTS', record) == 1 then return answer_again(1, id) end

local idempotency
if ARGV[15] ~= '' then
  idempotency = idempotency_key(user, ARGV[15])
  local known = call('HMGET', idempotency, 'fingerprint', 'job')
  if known[1] and known[1] ~= ARGV[16] then return answer(-1, known[2]) end
  if known[1] then return answer_again(2, known[2]) end
end
if tonumber(call('GET', requests) or 0) >= tonumber(ARGV[11]) then return answer(-2, id) end
local unfinished = 0
for name in string.gmatch(ARGV[19], '[^,]+') do unfinished = unfinished + call('ZCARD', live_key(user, name)) end
if unfinished >= tonumber(ARGV[13]) then return answer(-3, id) end
if call('XLEN', KEYS[1]) >= tonumber(ARGV[14]) then return answer(-4, id) end
local windows = {}
for i = 21, #ARGV, 3 do
  return_budget(user, ARGV[20], ARGV[i])
  local spent = call('HMGET', budget_key(user, ARGV[i]), 'used', 'held')
  windows[#windows + 1] = ARGV[i]
  if tonumber(spent[1] or 0) + tonumber(spent[2] or 0) + tokens > tonumber(ARGV[i + 1]) then
    return answer(-4 - #windows, id)
  end
end

local now = now_ms()
call('HSETNX', since_key, 'at', now)
for i = 21, #ARGV, 3 do
  local budget = budget_key(user, ARGV[i])
  if call('HINCRBY', budget, 'held', tokens) == tokens then call('PEXPIREAT', budget, ARGV[i + 2]) end
end
if call('INCR', requests) == 1 then call('PEXPIRE', requests, 120000) end
if idempotency then
  call('HSET', idempotency, 'fingerprint', ARGV[16], 'job', id)
  call('PEXPIRE', idempotency, IDEMPOTENCY_MS)
  call('SET', job_idempotency_key(id), ARGV[15], 'PX', IDEMPOTENCY_MS)
end
call('HSET', record, 'state', 'queued', 'user', user, 'kind', kind, 'v', ARGV[4], 'stream', stream, 'payload', ARGV[6],
  'plan', ARGV[7], 'request', ARGV[8], 'title', ARGV[9], 'held', tokens, 'hold', tokens, 'windows', table.concat(windows, ','),
  'attempt', 0, 'failures', 0, 'crashes', 0, 'created', now, 'started', 0, 'prompt', 0, 'completion', 0, 'problem', '',
  'traceparent', ARGV[18])
book('accepted')
admit(id, user, stream, kind, ARGV[4], ARGV[12])
call('ZADD', live_key(user, stream), now, id)
tell(id, user, 'status', status_json(id, kind, 'queued', 0))
call('PEXPIRE', user_events_key(user), USER_LOG_MS)
return answer(1, id)
