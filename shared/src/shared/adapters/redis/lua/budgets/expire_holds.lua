-- expire_holds: give back holds whose process died before it could release them.
--   KEYS  1 holds (zset)
--   ARGV  1 how many at most
--   returns how many were given back
local ids = call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  local hold = read_fields(hold_key(id), {'user', 'tokens', 'windows'})
  if hold.user then settle_windows(hold.user, hold.windows, tonumber(hold.tokens), 0) end
  call('DEL', hold_key(id))
  call('ZREM', KEYS[1], id)
end
return #ids
