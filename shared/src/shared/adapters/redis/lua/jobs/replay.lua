-- replay: queue a dead letter again, with its saved steps and a fresh retry budget.
--   KEYS  1 dead (zset)
--   ARGV  1 id  2 limit of the user's jobs in one stream   then for each window: key, expires at (Unix ms)
--   returns 1 queued again | 0 not a dead letter
-- The tokens are held again without checking the limits, because the failure was not the user's fault.
local id = ARGV[1]
local record = record_key(id)
local job = read_fields(record, {'state', 'user', 'stream', 'kind', 'v', 'hold', 'attempt', 'payload'})
if call('ZREM', dead_key, id) == 0 or job.state ~= 'failed' or not job.payload then return 0 end
local user, windows = job.user, {}
for i = 3, #ARGV, 2 do
  local budget = budget_key(user, ARGV[i])
  windows[#windows + 1] = ARGV[i]
  call('HINCRBY', budget, 'held', job.hold)
  call('PEXPIREAT', budget, ARGV[i + 1])
end
-- Saved steps were charged when the job died, so usage starts at 0 and only new calls are charged at its end.
call('HSET', record, 'state', 'queued', 'failures', 0, 'crashes', 0, 'held', job.hold, 'windows', table.concat(windows, ','),
  'finished', 0, 'problem', '', 'prompt', 0, 'completion', 0)
for _, key in ipairs({record, steps_key(id), job_events_key(id)}) do call('PERSIST', key) end
call('ZREM', unsaved_key, id)
call('HDEL', record, 'cached', 'reasoning', 'reused')
call('HDEL', record, 'entry') -- that entry was deleted when the job died
book('replayed')
admit(id, user, job.stream, job.kind, job.v, ARGV[2])
call('ZADD', live_key(user, job.stream), now_ms(), id)
tell(id, user, 'status', status_json(id, job.kind, 'queued', job.attempt))
return 1
