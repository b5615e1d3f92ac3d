-- stats: count what a shard holds. All figures are of one moment, so that they agree with each other.
--   KEYS  1 ledger (hash)
--   ARGV  names of all streams
--   returns alternating names and values: now (Unix ms); due and dead (numbers of jobs); died_at (Unix ms of the oldest
--           dead letter, or 0); ledger {name, count …}; streams {name, alternating names and values …}
--           for each stream: entries; pending; oldest_pending and oldest_undelivered (entry id or ''); idle {ms of each consumer}
local function first_entry(key, from)
  local found = call('XRANGE', key, from, '+', 'COUNT', 1)[1]
  return found and found[1] or ''
end

local function look_at(key)
  if call('EXISTS', key) == 0 then return {'entries', 0, 'pending', 0, 'oldest_pending', '', 'oldest_undelivered', '', 'idle', {}} end
  local delivered, idle, pending = nil, {}, {0, ''}
  for _, group in ipairs(call('XINFO', 'GROUPS', key)) do
    for i = 1, #group, 2 do if group[i] == 'last-delivered-id' then delivered = group[i + 1] end end
  end
  if delivered then
    pending = call('XPENDING', key, GROUP)
    for _, consumer in ipairs(call('XINFO', 'CONSUMERS', key, GROUP)) do
      for i = 1, #consumer, 2 do if consumer[i] == 'idle' then idle[#idle + 1] = consumer[i + 1] end end
    end
  end
  return {'entries', call('XLEN', key), 'pending', pending[1], 'oldest_pending', pending[2] or '',
    'oldest_undelivered', first_entry(key, delivered and '(' .. delivered or '-'), 'idle', idle}
end

local ledger, streams = {}, {}
local names = {'accepted', 'succeeded', 'failed', 'cancelled', 'replayed', 'dead_lettered', 'waiting'}
for i, jobs in ipairs(call('HMGET', KEYS[1], unpack(names))) do
  ledger[#ledger + 1] = names[i]
  ledger[#ledger + 1] = tonumber(jobs or 0)
end
for _, stream in ipairs(ARGV) do
  streams[#streams + 1] = stream
  streams[#streams + 1] = look_at(stream_key(stream))
end
local oldest = call('ZRANGE', dead_key, 0, 0, 'WITHSCORES')
return {'now', now_ms(), 'due', call('ZCARD', due_key), 'dead', call('ZCARD', dead_key), 'died_at', tonumber(oldest[2] or 0),
  'ledger', ledger, 'streams', streams}
