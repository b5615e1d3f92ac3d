-- release_hold: charge the tokens that were used and give the rest of a hold back.
--   KEYS  1 hold
--   ARGV  1 hold id  2 tokens used
--   returns 1 released | 0 no such hold: it was already released or has expired
local hold = read_fields(KEYS[1], {'user', 'tokens', 'windows'})
if not hold.user then return 0 end
settle_windows(hold.user, hold.windows, tonumber(hold.tokens), tonumber(ARGV[2]))
call('DEL', KEYS[1])
call('ZREM', holds_key, ARGV[1])
return 1
