-- forget_user: forget what is kept about a user besides jobs and holds: the event log, the index of steps and the budgets.
--   KEYS  1 event log of the user
--   ARGV  1 user  2 pseudonym of the user   then the key of each window
--   returns number of keys that were forgotten
-- What was used in a window stays until the window's key expires, under a pseudonym: otherwise a user would get a
-- new budget by being erased.
local count = call('DEL', KEYS[1]) + call('DEL', contents_key(ARGV[1]))
for i = 3, #ARGV do
  local budget = budget_key(ARGV[1], ARGV[i])
  call('HDEL', budget, 'held')
  if call('EXISTS', budget) == 1 then
    call('RENAME', budget, spent_key(ARGV[2], ARGV[i]))
    count = count + 1
  end
end
return count
