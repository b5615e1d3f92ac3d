-- lease: make the reader of some entries the owner of their jobs.
--   KEYS  1 work stream
--   ARGV  1 consumer   then for each entry: entry id, job id
--   returns for each entry what lease_to answers, or 0: nothing to do. The entry is gone if its job is unknown, final,
--           or has another entry; it stays if another owner claimed it before this reader came to lease it
local now, reply, gone = now_ms(), {}, {}
for i = 2, #ARGV, 2 do
  local entry, id = ARGV[i], ARGV[i + 1]
  local job = read_leased(id)
  if job[STATE] == 'queued' and job[ENTRY] == entry then
    reply[#reply + 1] = lease_to(ARGV[1], id, entry, job, now)
  elseif job[STATE] == 'running' and job[ENTRY] == entry then
    -- its owner asks again because the first answer got lost: the same attempt
    reply[#reply + 1] = job[OWNER] == ARGV[1] and answer_leased(id, entry, job, now) or 0
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
