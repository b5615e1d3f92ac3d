-- release_step: give a purchase up that led to nothing which another job could reuse.
--   KEYS  1 record
--   ARGV  1 id  2 attempt  3 content
--   returns 1 given up | 0 it is another attempt's, or nobody's
local user = call('HGET', KEYS[1], 'user')
local own = ARGV[1] .. ' ' .. ARGV[2] .. ' '
local known = user and call('HGET', contents_key(user), ARGV[3]) or ''
if string.sub(known or '', 1, #own) ~= own then return 0 end
call('HDEL', contents_key(user), ARGV[3])
return 1
