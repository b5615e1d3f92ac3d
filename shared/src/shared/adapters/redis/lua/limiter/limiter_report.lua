-- limiter_report: tell the fleet's limiter how a call went.
--   KEYS  1 state of the limiter (hash)
--   ARGV  1 outcome: ok, busy, fault, rejected  2 how long the provider asked to wait (ms)
--         3 faults, or different rejected senders, in a row that open the breaker  4 how long it stays open (ms)
--         5 status of a rejected request, or ''  6 its sender, or that of a fault, or ''
--   returns 2 this opened the breaker | 1 this closed it | 0 neither
-- A rejected request is blamed on its sender until ARGV 3 different senders in a row are rejected with the same status: then
-- it is the server that is misconfigured, and the breaker opens.
-- The faults of one sender in a row count once: retries, parts and jobs may all meet what this learner's text alone causes.
local gate, now, outcome = KEYS[1], now_ms(), ARGV[1]
local was_open = tonumber(call('HGET', gate, 'open_until') or 0) > 0
call('PEXPIRE', gate, 3600000)
local function open()
  call('HSET', gate, 'open_until', now + ARGV[4], 'probe_until', 0)
  call('PEXPIRE', gate, math.max(3600000, ARGV[4] * 2))
  return was_open and 0 or 2
end
local function close()
  call('HDEL', gate, 'faults', 'fault_sender', 'open_until', 'probe_until', 'rejected_status', 'rejected_senders')
  return was_open and 1 or 0
end
if outcome == 'busy' then
  local until_ms = now + tonumber(ARGV[2])
  if until_ms > tonumber(call('HGET', gate, 'closed_until') or 0) then call('HSET', gate, 'closed_until', until_ms) end
  if was_open then call('HSET', gate, 'open_until', until_ms, 'probe_until', 0) end
  return 0
end
if outcome == 'ok' then return close() end
if outcome == 'rejected' then
  local state = read_fields(gate, {'rejected_status', 'rejected_senders'})
  local senders = state.rejected_status == ARGV[5] and state.rejected_senders or ' '
  if was_open then
    if senders == ' ' then return close() end
    return open()
  end
  if not senders:find(' ' .. ARGV[6] .. ' ', 1, true) then senders = senders .. ARGV[6] .. ' ' end
  call('HSET', gate, 'rejected_status', ARGV[5], 'rejected_senders', senders)
  local _, count = senders:gsub('%S+', '')
  return count >= tonumber(ARGV[3]) and open() or 0
end
local is_same_sender = ARGV[6] ~= '' and call('HGET', gate, 'fault_sender') == ARGV[6]
local faults = call('HINCRBY', gate, 'faults', is_same_sender and 0 or 1)
call('HSET', gate, 'fault_sender', ARGV[6])
if not was_open and faults < tonumber(ARGV[3]) then return 0 end
return open()
