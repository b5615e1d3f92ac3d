-- promote: move retries that are due into their streams.
--   KEYS  1 due (zset)
--   ARGV  1 maximum number of jobs
--   returns ms until the next one is due, or -1 if there is none
local now = now_ms()
local ids = call('ZRANGEBYSCORE', due_key, '-inf', now, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  call('ZREM', due_key, id)
  enqueue_if_queued(id)
end
local next_due = call('ZRANGE', due_key, 0, 0, 'WITHSCORES')
return next_due[2] and math.max(0, next_due[2] - now) or -1
