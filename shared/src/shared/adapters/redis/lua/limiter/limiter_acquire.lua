-- limiter_acquire: ask the fleet's gate for leave to call a model, and take the call's share of the pace.
--   KEYS  1 gate (hash)
--   ARGV  1 requests a minute, 0 for no limit  2 tokens a minute, 0 for no limit  3 tokens of this call
--         4 longest wait worth taking a place for (ms)  5 how long a probe may take (ms)  6 1: has its share, asks again after its wait
--   returns {wait = ms, 0 to call now, reason =, is_probe = 1 for the probe of an open breaker} as names and values
--           reason 1 the provider asked to wait | 2 breaker open | 3 pace: the share is taken, call after the wait
--                  4 pace: too long a wait, nothing was taken
-- The pace is two buckets of one minute that refill evenly, as the provider's do; a share may be taken ahead of time.
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
