-- sweep: be the one who looks for forgotten work of a stream in this interval, and learn whether there is any.
--   KEYS  1 work stream
--   ARGV  1 consumer  2 stream  3 interval (ms): how long nobody else sweeps  4 lease (ms)
--           the same consumer may look again in its interval
--   returns {entries = in the stream, has_waiting = 1 if anything waits for its time, may_claim =, lost_at_ms = since when
--           budgets count if what was used before is to be restored or 0, now_ms =, or 0 where nothing is to be done} as
--           names and values | {}: another one sweeps
-- If nobody swept for more than half a lease, the server or the fleet was away, and leases ran out that nobody could
-- renew: their owners get half a lease to say that they live before anything is claimed.
-- Restored twice: at once, and when the last attempt of before has saved its row and found its record gone.
local LAST_ROWS_MS = 420000
local since = call('HMGET', since_key, 'at', 'restored')
local at, restored, restore, now = tonumber(since[1]), tonumber(since[2] or 0), 0, nil
if not at then
  at = now_ms()
  call('HSET', since_key, 'at', at)
end
if restored < at + LAST_ROWS_MS then
  now = now_ms()
  if restored == 0 or now >= at + LAST_ROWS_MS then restore = at end
end
local entries = call('XLEN', KEYS[1])
local waits = call('EXISTS', due_key, holds_key, unsaved_key)
local function found(may_claim, at_ms)
  return {'entries', entries, 'has_waiting', waits > 0 and 1 or 0, 'may_claim', may_claim, 'lost_at_ms', restore, 'now_ms', at_ms}
end
if entries == 0 and waits == 0 and restore == 0 then return found(0, 0) end -- nothing to be the one for
now = now or now_ms()
local sweeper_key = sweep_key(ARGV[2])
if not call('SET', sweeper_key, ARGV[1], 'NX', 'PX', ARGV[3]) and call('GET', sweeper_key) ~= ARGV[1] then return {} end
local may_claim = 0
if entries > 0 then
  local seen_key, patience = sweep_seen_key(ARGV[2]), ARGV[4] / 2
  local seen = call('HMGET', seen_key, 'at', 'claim_from')
  local claim_from = tonumber(seen[2] or 0)
  if now - tonumber(seen[1] or 0) > patience + tonumber(ARGV[3]) then claim_from = now + patience end
  call('HSET', seen_key, 'at', now, 'claim_from', claim_from)
  if now >= claim_from then may_claim = 1 end
end
return found(may_claim, now)
