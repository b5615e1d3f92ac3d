-- restore_budgets: give budgets back what was used before this Redis began to count.
--   KEYS  1 since (hash)
--   ARGV  1 since when it counts (ms)  2 1: these are the last ones   then for each: user, window, tokens, expires at (ms)
--   returns 1 restored | 0 it counts since another time: it was lost again
-- Each budget remembers what it was given back: told again, or by two at once, nothing is added twice; what was spent
-- since stays.
if call('HGET', KEYS[1], 'at') ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 4 do
  local budget = budget_key(ARGV[i], ARGV[i + 1])
  local missing = ARGV[i + 2] - (call('HGET', budget, 'restored') or 0)
  if missing > 0 then
    call('HINCRBY', budget, 'used', missing)
    call('HSET', budget, 'restored', ARGV[i + 2])
    call('PEXPIREAT', budget, ARGV[i + 3])
  end
end
if ARGV[2] == '1' then call('HSET', KEYS[1], 'restored', now_ms()) end
return 1
