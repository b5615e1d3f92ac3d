-- limiter_acquire: ask the fleet's gate for leave to call a model, and take the call's share of the pace.
--   KEYS  1 gate (hash)
--   ARGV  1 requests a minute, 0 for no limit  2 tokens a minute, 0 for no limit  3 tokens of this call
--         4 longest wait worth taking a place for (ms)  5 how long a probe may take (ms)  6 1: has its share, asks again after its wait
--   returns {0, 1 for the probe of an open breaker or 0} go | {ms, reason}: not for so long
--           reason 1 the provider asked to wait | 2 breaker open | 3 pace: the share is taken, call after the wait
--                  4 pace: too long a wait, nothing was taken
-- The pace is two buckets of one minute that refill evenly, as the provider's do; a share may be taken ahead of time.
local gate, now = KEYS[1], now_ms()
local state = call('HMGET', gate, 'closed_until', 'open_until', 'probe_until', 'at', 'requests', 'tokens')
local closed_until, open_until, probe_until = tonumber(state[1] or 0), tonumber(state[2] or 0), tonumber(state[3] or 0)
if closed_until > now then return {closed_until - now, 1} end
if open_until > now then return {open_until - now, 2} end
if open_until > 0 then
  if probe_until > now then return {probe_until - now, 2} end
  call('HSET', gate, 'probe_until', now + ARGV[5])
  return {0, 1}
end
if ARGV[6] == '1' then return {0, 0} end

local elapsed, wait, left = now - tonumber(state[4] or now), 0, {}
local asks = {{ARGV[1], 1, state[5]}, {ARGV[2], ARGV[3], state[6]}}
for i, ask in ipairs(asks) do
  local limit, amount = tonumber(ask[1]), tonumber(ask[2])
  if limit > 0 then
    local level = math.min(limit, tonumber(ask[3] or limit) + elapsed * limit / 60000) - math.min(amount, limit)
    left[i] = level
    if level < 0 then wait = math.max(wait, math.ceil(-level * 60000 / limit)) end
  end
end
if wait > tonumber(ARGV[4]) then return {wait, 4} end
call('HSET', gate, 'at', now, 'requests', left[1] or 0, 'tokens', left[2] or 0)
call('PEXPIRE', gate, 3600000)
return {wait, wait > 0 and 3 or 0}
