-- keep_response: remember the response that a model server makes for a step, so that the next attempt waits for it
-- instead of paying for another one.
--   KEYS  1 record
--   ARGV  1 id  2 attempt  3 name of the call  4 response
--   returns 1 saved, in place of an earlier response of this call | 0 lease lost, nothing was written
-- It is stored beside the steps, so that the next owner receives it with its lease, and it charges nothing.
local job = read_fields(KEYS[1], {'state', 'attempt'})
if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end
call('HSET', steps_key(ARGV[1]), ARGV[3], ARGV[4])
call('HSET', KEYS[1], 'kept', 1)
return 1
