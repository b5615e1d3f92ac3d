-- remove_idle_consumers: remove idle consumers without pending entries. Others stay, because XGROUP DELCONSUMER drops
-- their pending entries.
--   KEYS  1 work stream
--   ARGV  1 idle time after which a consumer counts as gone (ms)
--   returns the number of removed consumers
local removed = 0
for _, consumer in ipairs(call('XINFO', 'CONSUMERS', KEYS[1], GROUP)) do
  local facts = {}
  for i = 1, #consumer, 2 do facts[consumer[i]] = consumer[i + 1] end
  if facts.pending == 0 and facts.idle > tonumber(ARGV[1]) then
    call('XGROUP', 'DELCONSUMER', KEYS[1], GROUP, facts.name)
    removed = removed + 1
  end
end
return removed
