-- hold_tokens: hold tokens for one chat answer, in every window or in none.
--   KEYS  1 hold
--   ARGV  1 hold id  2 user  3 tokens  4 limit of requests a minute  5 minute (Unix)  6 expires after (ms)  7 pseudonym of the user
--         then for each window: key, limit (tokens), expires at (Unix ms)
--   returns alternating names and values: code; counts {used, held of each window}
--           code 1 held | -2 too many requests | -(4 + n) window n, counted from 1, has too few tokens left
local user, tokens = ARGV[2], tonumber(ARGV[3])
local requests = requests_key(user, ARGV[5])

local function answer(code)
  local counts = {}
  for i = 8, #ARGV, 3 do
    local window = call('HMGET', budget_key(user, ARGV[i]), 'used', 'held')
    counts[#counts + 1] = tonumber(window[1] or 0)
    counts[#counts + 1] = tonumber(window[2] or 0)
  end
  return {'code', code, 'counts', counts}
end

if call('EXISTS', KEYS[1]) == 1 then return answer(1) end
if tonumber(call('GET', requests) or 0) >= tonumber(ARGV[4]) then return answer(-2) end
local windows = {}
for i = 8, #ARGV, 3 do
  return_budget(user, ARGV[7], ARGV[i])
  local spent = call('HMGET', budget_key(user, ARGV[i]), 'used', 'held')
  windows[#windows + 1] = ARGV[i]
  if tonumber(spent[1] or 0) + tonumber(spent[2] or 0) + tokens > tonumber(ARGV[i + 1]) then
    return answer(-4 - #windows)
  end
end
for i = 8, #ARGV, 3 do
  local budget = budget_key(user, ARGV[i])
  if call('HINCRBY', budget, 'held', tokens) == tokens then call('PEXPIREAT', budget, ARGV[i + 2]) end
end
if call('INCR', requests) == 1 then call('PEXPIRE', requests, 120000) end
call('HSET', KEYS[1], 'user', user, 'tokens', tokens, 'windows', table.concat(windows, ','))
call('ZADD', holds_key, now_ms() + ARGV[6], ARGV[1])
return answer(1)
