-- remove: remove a final job. Only what it cost stays, in a record without texts, until its row is written.
--   KEYS  1 record
--   ARGV  1 id  2 user
--   returns 1 removed | 2 already removed | 0 no such record of this user | -1 unfinished, nothing was written
-- The record stays final, so that a late owner writes nothing, and known, so that a repeated submission is not accepted again.
-- Maintenance writes the row of a removed job if its remover does not. Without a record only the idempotency key is forgotten.
local id, user = ARGV[1], ARGV[2]
local job = read_fields(KEYS[1], {'user', 'state', 'removed'})
if job.user and job.user ~= user then return 0 end
if job.state == 'queued' or job.state == 'running' then return -1 end
local key = call('GET', job_idempotency_key(id))
if key and call('HGET', idempotency_key(user, key), 'job') == id then
  call('DEL', idempotency_key(user, key), job_idempotency_key(id))
end
if not job.user then return 0 end
if job.removed then return 2 end
if call('ZREM', dead_key, id) == 1 then book('letters_removed') end
call('DEL', steps_key(id), job_events_key(id), tag .. ':unreadable:' .. id)
call('HSET', KEYS[1], 'removed', 1, 'payload', '', 'title', '', 'problem', '', 'request', '', 'traceparent', '')
call('PEXPIRE', KEYS[1], RETENTION_MS)
call('ZADD', unsaved_key, now_ms(), id)
return 1
