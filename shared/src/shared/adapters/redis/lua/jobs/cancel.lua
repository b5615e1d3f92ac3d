-- cancel: end a job on its user's request. Its owner, if any, loses the lease and stops at its next renewal.
--   KEYS  1 record
--   ARGV  1 id  2 user
--   returns 1 cancelled | 2 already final, nothing was written | 0 unknown, or another user's job
-- The tokens of saved steps are charged; the rest of the hold is given back.
local id, user = ARGV[1], ARGV[2]
local job = read_ending(id)
if job.user ~= user then return 0 end
if job.state ~= 'queued' and job.state ~= 'running' then return 2 end
local now = now_ms()
finish(id, job, 'cancelled', tonumber(job.prompt), tonumber(job.completion), '', call('HGET', KEYS[1], 'failures'), now, false)
call('ZADD', unsaved_key, now, id)
call('ZREM', due_key, id)
if not is_entry_of(id, job.entry, stream_key(job.stream)) then job.entry = nil end -- a damaged record may name another's
if job.entry then
  call('XACK', stream_key(job.stream), GROUP, job.entry)
  call('XDEL', stream_key(job.stream), job.entry)
end
local was_waiting = job.state == 'queued' and call('LREM', waiting_key(user, job.stream), 1, id) == 1
if was_waiting then book('waiting', -1) end
if not was_waiting then admit_next(user, job.stream) end
return 1
