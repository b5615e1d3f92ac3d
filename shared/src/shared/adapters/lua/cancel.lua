-- cancel: end a job because its user says so. Its owner, if any, finds its lease lost and stops.
--   KEYS  1 record
--   ARGV  1 id  2 user
--   returns 1 cancelled | 2 was final already, unchanged | 0 unknown, or another user's
-- What its kept steps cost is charged; the rest of the hold goes back.
local id, user = ARGV[1], ARGV[2]
local job = call('HMGET', KEYS[1], 'user', 'kind', 'stream', 'windows', 'held', 'state', 'entry', 'prompt', 'completion')
local state, stream = job[6], job[3]
if job[1] ~= user then return 0 end
if state ~= 'queued' and state ~= 'running' then return 2 end
local now = now_ms()
finish(id, job, 'cancelled', tonumber(job[8]), tonumber(job[9]), '', now, false)
call('ZADD', unsaved_key, now, id)
local was_waiting = state == 'queued' and call('LREM', waiting_key(user, stream), 1, id) == 1
call('ZREM', due_key, id)
if job[7] then
  call('XACK', stream_key(stream), GROUP, job[7])
  call('XDEL', stream_key(stream), job[7])
end
if not was_waiting then admit_next(user, stream) end
return 1
