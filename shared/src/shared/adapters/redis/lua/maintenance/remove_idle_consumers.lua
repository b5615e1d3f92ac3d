-- remove_idle_consumers: remove consumers that are gone, which is only safe while they hold nothing: XGROUP DELCONSUMER destroys
-- what is pending.
--   KEYS  1 work stream
--   ARGV  1 idle (ms) after which a consumer counts as gone
--   returns how many were removed
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
