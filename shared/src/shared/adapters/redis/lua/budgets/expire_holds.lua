-- expire_holds: give back expired holds, whose process died before it released them.
--   KEYS  1 holds (zset)
--   ARGV  1 maximum number of holds
--   returns the number of expired holds
local ids = call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  pcall(function() -- a hold that cannot be read gives nothing back, and goes
    local hold = read_fields(hold_key(id), {'user', 'tokens', 'windows'})
    if hold.user then settle_windows(hold.user, hold.windows, tonumber(hold.tokens), 0) end
  end)
  call('DEL', hold_key(id))
  call('ZREM', KEYS[1], id)
end
return #ids
