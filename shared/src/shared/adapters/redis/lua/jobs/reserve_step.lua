-- reserve_step: reuse what another unfinished job of the user has bought for the same content, or become the one who buys it.
--   KEYS  1 record
--   ARGV  1 id  2 attempt  3 step name  4 content  5 cards asked for  6 questions asked for  7 cards needed  8 questions needed
--   returns the completion to reuse | 1 this attempt buys it | 2 another attempt is buying it now | 0 lease lost
-- Who buys is known by job and attempt, so a purchase needs no time limit: it is over when that attempt is.
local id, own_step = ARGV[1], ARGV[3]
local job = read_fields(KEYS[1], {'state', 'attempt', 'user', 'contents'})
if job.state ~= 'running' or job.attempt ~= ARGV[2] then return 0 end
local contents, content = contents_key(job.user), ARGV[4]
local known = call('HGET', contents, content) or ''
local buyer, attempt, cards, questions, step = string.match(known, '^(%S+) (%d+) (%d+) (%d+) (.*)$')
if buyer and buyer ~= id and tonumber(cards) >= tonumber(ARGV[7]) and tonumber(questions) >= tonumber(ARGV[8]) then
  local completion = call('HGET', steps_key(buyer), step)
  if completion then return completion end
  local other = read_fields(record_key(buyer), {'state', 'attempt'})
  if other.state == 'running' and other.attempt == attempt then return 2 end
end
call('HSET', contents, content, table.concat({id, ARGV[2], ARGV[5], ARGV[6], own_step}, ' '))
call('PEXPIRE', contents, CONTENTS_MS)
if not string.find(job.contents or '', content, 1, true) then
  call('HSET', KEYS[1], 'contents', (job.contents or '') .. content .. ' ')
end
return 1
