-- limiter_acquire: ask the fleet's limiter for a permit to call a model, and take the call's share of the rate limits.
--   KEYS  1 state of the limiter (hash)
--   ARGV  1 limit of requests per minute, 0 for none  2 limit of tokens per minute, 0 for none  3 tokens of this call
--         4 longest wait for which a share is taken (ms)  5 timeout of a probe (ms)  6 1 if the call has taken its share already
--   returns alternating names and values: wait (ms, 0 to call now); reason; is_probe (1 for the probe of an open breaker)
--           reason 1 the provider asked to wait | 2 breaker open | 3 rate limit: the share is taken, call after the wait
--                  4 rate limit: the wait is too long, nothing was taken
-- Each rate limit is a token bucket that holds one minute's limit and refills evenly, as the provider's does. Its level may
-- go below zero: then the share is taken in advance, and the call waits until the level is zero again.
local gate, now = KEYS[1], now_ms()
local function permit(wait, reason, is_probe) return {'wait', wait, 'reason', reason, 'is_probe', is_probe or 0} end
local state = read_fields(gate, {'closed_until', 'open_until', 'probe_until', 'at', 'requests', 'tokens'})
local closed_until, open_until, probe_until = tonumber(state.closed_until or 0), tonumber(state.open_until or 0), tonumber(state.probe_until or 0)
if closed_until > now then return permit(closed_until - now, 1) end
if open_until > now then return permit(open_until - now, 2) end
if open_until > 0 then
  if probe_until > now then return permit(probe_until - now, 2) end
  call('HSET', gate, 'probe_until', now + ARGV[5])
  return permit(0, 0, 1)
end
if ARGV[6] == '1' then return permit(0, 0) end

local elapsed, wait, left = now - tonumber(state.at or now), 0, {}
local asks = {{ARGV[1], 1, state.requests}, {ARGV[2], ARGV[3], state.tokens}}
for i, ask in ipairs(asks) do
  local limit, amount = tonumber(ask[1]), tonumber(ask[2])
  if limit > 0 then
    local level = math.min(limit, tonumber(ask[3] or limit) + elapsed * limit / 60000) - math.min(amount, limit)
    left[i] = level
    if level < 0 then wait = math.max(wait, math.ceil(-level * 60000 / limit)) end
  end
end
if wait > tonumber(ARGV[4]) then return permit(wait, 4) end
call('HSET', gate, 'at', now, 'requests', left[1] or 0, 'tokens', left[2] or 0)
call('PEXPIRE', gate, 3600000)
return permit(wait, wait > 0 and 3 or 0)
