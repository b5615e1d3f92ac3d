-- promote: move retries whose time has come back into their streams.
--   KEYS  1 due (zset)
--   ARGV  1 how many at most
--   returns {moved, ms until the next one is due or -1}
local now = now_ms()
local ids = call('ZRANGEBYSCORE', due_key, '-inf', now, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  local job = call('HMGET', record_key(id), 'state', 'stream', 'kind', 'v')
  call('ZREM', due_key, id)
  if job[1] == 'queued' then enqueue(id, job[2], job[3], job[4]) end
end
local next_due = call('ZRANGE', due_key, 0, 0, 'WITHSCORES')
return {#ids, next_due[2] and math.max(0, next_due[2] - now) or -1}
