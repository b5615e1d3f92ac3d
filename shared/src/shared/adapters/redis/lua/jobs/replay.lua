-- replay: give a dead letter another life, with its steps and a fresh retry budget.
--   KEYS  1 dead (zset)
--   ARGV  1 id  2 jobs of one stream with workers   then for each window: key, expires at (ms)
--   returns 1 queued again | 0 not a dead letter
-- The hold is taken anew without asking the limit: the fault was ours.
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
-- What its kept steps cost was charged when it died; only what comes now is charged when it ends.
call('HSET', record, 'state', 'queued', 'failures', 0, 'crashes', 0, 'held', job.hold, 'windows', table.concat(windows, ','),
  'finished', 0, 'problem', '', 'prompt', 0, 'completion', 0)
for _, key in ipairs({record, steps_key(id), job_events_key(id)}) do call('PERSIST', key) end
call('ZREM', unsaved_key, id)
call('HDEL', record, 'entry') -- the one it died under is gone
book('replayed')
admit(id, user, job.stream, job.kind, job.v, ARGV[2])
call('ZADD', live_key(user, job.stream), now_ms(), id)
tell(id, user, 'status', status_json(id, job.kind, 'queued', job.attempt))
return 1
