-- append_events: append events of a running attempt and set the job's progress.
--   KEYS  1 record
--   ARGV  1 id  2 attempt  3 number of the first event within the attempt, from 1
--         4 parts done, or '' to leave progress as it is  5 parts in total
--         then for each event: name, data (JSON)
--   returns 1 appended | 0 lease lost, nothing was written
-- Events are numbered within their attempt, so that a call repeated after a lost reply appends none twice.
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
