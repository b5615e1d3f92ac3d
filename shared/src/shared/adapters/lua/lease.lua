-- lease: make the reader of some entries the owner of their jobs.
--   KEYS  1 work stream
--   ARGV  1 consumer   then for each entry: entry id, job id
--   returns for each entry what lease_to answers, or 0: nothing to do, the entry is gone
--           (its job is unknown, final, or runs under another entry)
local now, reply, gone = now_ms(), {}, {}
for i = 2, #ARGV, 2 do
  local entry, id = ARGV[i], ARGV[i + 1]
  local held = call('HMGET', record_key(id), 'state', 'owner', 'entry', 'attempt')
  if held[1] == 'queued' then
    reply[#reply + 1] = lease_to(ARGV[1], id, entry, now)
  elseif held[1] == 'running' and held[2] == ARGV[1] and held[3] == entry then
    -- asked again because the first answer got lost: the same attempt
    local job = call('HMGET', record_key(id), unpack(LEASED))
    reply[#reply + 1] = {id, entry, job, call('HGETALL', steps_key(id))}
  else
    gone[#gone + 1] = entry
    reply[#reply + 1] = 0
  end
end
if #gone > 0 then
  call('XACK', KEYS[1], GROUP, unpack(gone))
  call('XDEL', KEYS[1], unpack(gone))
end
return reply
