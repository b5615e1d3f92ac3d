-- stats: what a shard holds now, counted in one step, so that the figures agree with each other.
--   KEYS  1 ledger (hash)
--   ARGV  none
--   returns {now (ms), due jobs, dead letters, when the oldest of them died (ms) or 0,
--            {accepted, succeeded, failed, cancelled, replayed, dead_lettered, waiting}, then for each stream (ai, collection)
--            {entries, pending, oldest pending entry or '', oldest undelivered entry or '', {idle (ms) of each consumer …}}}
local function first_entry(key, from)
  local found = call('XRANGE', key, from, '+', 'COUNT', 1)[1]
  return found and found[1] or ''
end

local function look_at(key)
  if call('EXISTS', key) == 0 then return {0, 0, '', '', {}} end
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
  return {call('XLEN', key), pending[1], pending[2] or '', first_entry(key, delivered and '(' .. delivered or '-'), idle}
end

local counted = {}
local names = {'accepted', 'succeeded', 'failed', 'cancelled', 'replayed', 'dead_lettered', 'waiting'}
for i, jobs in ipairs(call('HMGET', KEYS[1], unpack(names))) do counted[i] = tonumber(jobs or 0) end
local oldest = call('ZRANGE', dead_key, 0, 0, 'WITHSCORES')
return {now_ms(), call('ZCARD', due_key), call('ZCARD', dead_key), tonumber(oldest[2] or 0), counted,
  look_at(stream_key('ai')), look_at(stream_key('collection'))}
