-- tell_change: tell a user's listeners that a final job was changed by hand.
--   KEYS  1 event log of the user
--   ARGV  1 id  2 data (JSON)
--   returns 1
-- The job's own log has ended with `done`, and gets nothing.
local fact = ARGV[1] .. ' changed ' .. ARGV[2]
local event = call('XADD', KEYS[1], 'MAXLEN', '~', USER_LOG_CAP, '*', 'event', fact)
call('PUBLISH', KEYS[1], event .. ' ' .. fact)
call('PEXPIRE', KEYS[1], USER_LOG_MS)
return 1
