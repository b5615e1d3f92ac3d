-- restore_budgets: add the usage from before a data loss to the budgets.
--   KEYS  1 since (hash)
--   ARGV  1 `at` of the since hash (Unix ms)  2 1 for the last batch
--         then for each charge: user, window, tokens, expires at (Unix ms)
--   returns 1 restored | 0 `at` has changed: the data was lost again
-- Each budget stores how much was restored, and only the difference is added. So a repeated or concurrent call adds
-- nothing twice, and usage since the loss is kept.
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
