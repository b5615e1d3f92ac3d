-- lease: make the consumer that read some entries the owner of their jobs.
--   KEYS  1 work stream
--   ARGV  1 consumer   then for each entry: entry id, job id
--   returns {now (Unix ms), names, then for each leased job its values; only id and entry if its record cannot be read}
-- An entry is deleted if its job is unknown, is final or has another entry. A job that names an entry which is not its own
-- counts as one whose record cannot be read. An entry stays if another consumer claimed it
-- between this consumer's read and its lease.
local now, gone = now_ms(), {}
local reply = {now, LEASED_NAMES}
local function take(entry, id)
  local job = read_leased(id)
  if job.state == 'queued' and job.entry == entry then
    reply[#reply + 1] = lease_to(ARGV[1], job, now)
  elseif job.state == 'running' and job.entry == entry then
    -- The owner repeats a call whose reply was lost: it gets the same attempt again.
    if job.owner == ARGV[1] then reply[#reply + 1] = values_of(job) end
  else
    check_entry(job)
    gone[#gone + 1] = entry
  end
end

for i = 2, #ARGV, 2 do
  if not pcall(take, ARGV[i], ARGV[i + 1]) then reply[#reply + 1] = unreadable_values(ARGV[i + 1], ARGV[i]) end
end
if #gone > 0 then
  call('XACK', KEYS[1], GROUP, unpack(gone))
  call('XDEL', KEYS[1], unpack(gone))
end
return reply
