-- settle: end attempts, each once: write the state, budget and event, delete the entry, admit the user's next waiting job.
--   KEYS  1 work stream
--   ARGV  1 stream   then for each attempt: entry id, job id, attempt, next state, prompt tokens, completion tokens,
--                    failures, delay of a retry (ms), problem (JSON or ''), 1 for a dead letter, cached tokens, reasoning tokens, reused calls
--   returns for each attempt 1 settled | 2 already settled with this state | 0 lease lost, nothing was written
local stream, now, reply, closed = ARGV[1], now_ms(), {}, {}

local function retry(id, job, prompt, completion, failures, delay, problem)
  call('HSET', record_key(id), 'state', 'queued', 'failures', failures, 'prompt', prompt, 'completion', completion,
    'problem', problem, 'retry_at', now + delay)
  set_positive(id, 'cached', job.cached)
  set_positive(id, 'reasoning', job.reasoning)
  set_positive(id, 'reused', job.reused)
  if delay > 0 then
    call('ZADD', due_key, now + delay, id)
    call('HDEL', record_key(id), 'entry') -- a consumer that read the old entry late must not lease the job
  else
    enqueue(id, stream, job.kind, job.v)
  end
  tell(id, job.user, 'status', status_json(id, job.kind, 'queued', job.attempt,
    ',"retry_at":' .. string.format('%.3f', (now + delay) / 1000) .. ',"problem":' .. problem))
end

local function close(i)
  local entry, id, attempt, state = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local job = read_ending(id)
  if job.state == 'running' and job.attempt == attempt then
    local prompt, completion, failures = tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]), ARGV[i + 6]
    job.cached, job.reasoning, job.reused = ARGV[i + 10], ARGV[i + 11], ARGV[i + 12]
    closed[#closed + 1] = entry
    if state == 'queued' then
      retry(id, job, prompt, completion, failures, tonumber(ARGV[i + 7]), ARGV[i + 8])
    else
      finish(id, job, state, prompt, completion, ARGV[i + 8], failures, now, ARGV[i + 9] == '1')
      admit_next(job.user, stream)
    end
    reply[#reply + 1] = 1
  else
    reply[#reply + 1] = (job.state == state and job.attempt == attempt) and 2 or 0
  end
end

for i = 2, #ARGV, 13 do
  local replies = #reply
  if not pcall(close, i) then -- its record was damaged meanwhile; the other attempts are settled nevertheless
    local is_aside, user = pcall(set_aside, ARGV[i + 1], stream)
    if is_aside and user then pcall(admit_next, user, stream) end
    closed[#closed + 1] = ARGV[i]
    reply[replies + 1] = 0
  end
end
if #closed > 0 then
  call('XACK', KEYS[1], GROUP, unpack(closed))
  call('XDEL', KEYS[1], unpack(closed))
end
return reply
