-- settle: close attempts, each once: the state, the budget, the entry, the event, and the user's next waiting job.
--   KEYS  1 work stream
--   ARGV  1 stream   then for each attempt: entry id, job id, attempt, next state, prompt tokens, completion tokens,
--                    failures, delay (ms; of a retry), problem (JSON or ''), 1 for a dead letter
--   returns for each attempt 1 settled | 2 had been settled so before | 0 lease lost: nothing was written
local stream, now, reply, closed = ARGV[1], now_ms(), {}, {}

local function retry(id, job, failures, prompt, completion, delay, problem)
  local user, kind = job[1], job[2]
  call('HSET', record_key(id), 'state', 'queued', 'failures', failures, 'prompt', prompt, 'completion', completion,
    'problem', problem, 'retry_at', now + delay)
  if delay > 0 then
    call('ZADD', due_key, now + delay, id)
  else
    enqueue(id, stream, kind, job[8])
  end
  tell(id, user, 'status', status_json(id, kind, 'queued', job[7],
    ',"retry_at":' .. string.format('%.3f', (now + delay) / 1000) .. ',"problem":' .. problem))
end

for i = 2, #ARGV, 10 do
  local entry, id, attempt, state = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local job = call('HMGET', record_key(id), 'user', 'kind', 'stream', 'windows', 'held', 'state', 'attempt', 'v')
  if job[6] == 'running' and job[7] == attempt then
    local prompt, completion, delay = tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]), tonumber(ARGV[i + 7])
    closed[#closed + 1] = entry
    if state == 'queued' then
      retry(id, job, ARGV[i + 6], prompt, completion, delay, ARGV[i + 8])
    else
      if ARGV[i + 6] ~= '0' then call('HSET', record_key(id), 'failures', ARGV[i + 6]) end
      finish(id, job, state, prompt, completion, ARGV[i + 8], now, ARGV[i + 9] == '1')
      admit_next(job[1], stream)
    end
    reply[#reply + 1] = 1
  else
    reply[#reply + 1] = (job[6] == state and job[7] == attempt) and 2 or 0
  end
end
if #closed > 0 then
  call('XACK', KEYS[1], GROUP, unpack(closed))
  call('XDEL', KEYS[1], unpack(closed))
end
return reply
