-- lease: make the reader of some entries the owner of their jobs.
--   KEYS  1 work stream
--   ARGV  1 consumer   then for each entry: entry id, job id
--   returns for each entry what lease_to answers, or 0: nothing to do, the entry is gone
--           (its job is unknown, final, or runs under another entry)
local now, reply, gone = now_ms(), {}, {}
for i = 2, #ARGV, 2 do
  local entry, id = ARGV[i], ARGV[i + 1]
  local job = read_leased(id)
  if job[STATE] == 'queued' then
    reply[#reply + 1] = lease_to(ARGV[1], id, entry, job, now)
  elseif job[STATE] == 'running' and job[OWNER] == ARGV[1] and job[ENTRY] == entry then
    -- asked again because the first answer got lost: the same attempt
    reply[#reply + 1] = answer_leased(id, entry, job)
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
