-- keep_step: save the completion of a paid provider call, so that no later attempt pays for it again.
--   KEYS  1 record
--   ARGV  1 id  2 attempt  3 step name  4 completion  5 prompt tokens  6 completion tokens
--         7 cached tokens  8 reasoning tokens  9 number of calls that were reused
--   returns 1 saved | 2 already saved, nothing was written | 0 lease lost, nothing was written
local job = read_fields(KEYS[1], {'state', 'attempt'})
if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end
if call('HSETNX', steps_key(ARGV[1]), ARGV[3], ARGV[4]) == 0 then return 2 end
call('HSET', KEYS[1], 'kept', 1)
call('HINCRBY', KEYS[1], 'prompt', ARGV[5])
call('HINCRBY', KEYS[1], 'completion', ARGV[6])
if is_positive(ARGV[7]) then call('HINCRBY', KEYS[1], 'cached', ARGV[7]) end
if is_positive(ARGV[8]) then call('HINCRBY', KEYS[1], 'reasoning', ARGV[8]) end
if is_positive(ARGV[9]) then call('HINCRBY', KEYS[1], 'reused', ARGV[9]) end
return 1
