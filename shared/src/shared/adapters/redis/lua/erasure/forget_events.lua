-- forget_events: delete the events of a removed job from its user's log, page by page, and then tell `removed`.
--   KEYS  1 event log of the user
--   ARGV  1 id  2 user  3 kind  4 where to begin, as XRANGE takes it  5 number of events to look at
--   returns where to go on, or '' after the last page, or if `removed` was told already
if call('HGET', record_key(ARGV[1]), 'removed') == '2' then return '' end
local id, page = ARGV[1], redis.pcall('XRANGE', KEYS[1], ARGV[4], '+', 'COUNT', ARGV[5])
local gone, start = {}, id .. ' '
for _, event in ipairs(page) do
  local fact = event[2][2]
  if string.sub(fact, 1, #start) == start then gone[#gone + 1] = event[1] end
end
if #gone > 0 then call('XDEL', KEYS[1], unpack(gone)) end
if #page == tonumber(ARGV[5]) then return '(' .. page[#page][1] end
call('DEL', job_events_key(id)) -- the log of a removed job begins and ends with `removed`
tell(id, ARGV[2], 'removed', '{"job_id":"' .. id .. '","kind":"' .. ARGV[3] .. '"}')
call('PEXPIRE', job_events_key(id), RETENTION_MS)
call('PEXPIRE', KEYS[1], USER_LOG_MS)
if call('EXISTS', record_key(id)) == 1 then call('HSET', record_key(id), 'removed', 2) end
return ''
