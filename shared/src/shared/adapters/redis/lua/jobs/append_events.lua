-- append_events: tell events of a running attempt: how far it is, what it has made.
--   KEYS  1 record
--   ARGV  1 id  2 attempt  3 number of the first event in this attempt (from 1)  4 parts done or ''  5 parts in all
--         then for each event: name, data (JSON)
--   returns 1 told | 0 lease lost: nothing was written
-- Events are numbered within their attempt: asked again because an answer got lost, none is told twice.
local job = read_fields(KEYS[1], {'state', 'attempt', 'user', 'told'})
if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end
local number = tonumber(ARGV[3])
local told = tonumber(string.match(job.told or '', '^' .. ARGV[2] .. ':(%d+)$') or 0)
for i = 6, #ARGV, 2 do
  if number > told then tell(ARGV[1], job.user, ARGV[i], ARGV[i + 1]) end
  number = number + 1
end
call('HSET', KEYS[1], 'told', ARGV[2] .. ':' .. math.max(told, number - 1))
if ARGV[4] ~= '' then call('HSET', KEYS[1], 'done', ARGV[4], 'total', ARGV[5]) end
return 1
