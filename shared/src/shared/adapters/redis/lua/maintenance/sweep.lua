-- sweep: become the only sweeper of a stream in this interval, and learn what there is to do.
--   KEYS  1 work stream
--   ARGV  1 consumer  2 stream  3 interval in which no other consumer sweeps (ms)  4 lease (ms)
--           the same consumer may sweep again within its interval
--   returns {} if another consumer sweeps, else alternating names and values: entries in the stream; has_waiting (1 if
--           there are retries, holds or unsaved rows); may_claim; lost_at_ms (since when budgets are counted, if earlier
--           usage must be restored, or 0); now_ms (0 if there is nothing to do)
-- If nobody swept for longer than half a lease and an interval, the server or the fleet was down and leases expired that
-- could not be renewed. Their owners get half a lease to renew before anything is claimed.
-- Usage is restored twice: at once, and 7 minutes later, when attempts from before the loss have saved their rows.
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
if entries == 0 and waits == 0 and restore == 0 then return found(0, 0) end -- no lock is needed: there is nothing to do
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
