-- claim: take over jobs whose owner stopped renewing.
--   KEYS  1 work stream
--   ARGV  1 consumer  2 stream  3 lease (ms)  4 maximum number of jobs  5 crashes that make a dead letter
--         6 maximum number of entries to scan  7 problem of a dead letter (JSON)  8 1 if a suspect may be claimed
--         9 crashes of a suspect, the latest included
--   returns {now (Unix ms), names, then for each claimed job its values; only id and entry if its record cannot be read}
-- Jobs that crashed too often are ended here as dead letters.
-- A suspect is a job whose next crash would make it a dead letter. A consumer gets one suspect at a time, so that one
-- which kills its worker does not crash another for the last time. The others stay stale and pending at their dead owner.
-- The cursor is stored, so that stale entries behind any number of live ones are reached. JUSTID is used because
-- Redis 6.2 returns a deleted entry without its id.
local consumer, stream, limit, most_crashes = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local takes_suspect = ARGV[8] == '1'
local suspect_crashes = tonumber(ARGV[9])
local cursor_key, now = sweep_cursor_key(stream), now_ms()
local cursor = call('GET', cursor_key) or '0-0'
local looked, reply, gone = 0, {now, LEASED_NAMES}, {}
local full = #reply + limit

local function take_over(entry, id)
  local job = id and read_leased(id)
  if job and job.state == 'queued' and job.entry == entry then
    -- its consumer died between read and lease, so this is no crash of the job
    reply[#reply + 1] = lease_to(consumer, job, now)
  elseif job and job.state == 'running' and job.entry == entry then
    local is_suspect = tonumber(job.crashes) + 1 == suspect_crashes
    if is_suspect and not takes_suspect then
      return call('XCLAIM', KEYS[1], GROUP, job.owner, 0, entry, 'IDLE', ARGV[3], 'JUSTID')
    end
    takes_suspect = takes_suspect and not is_suspect
    local crashes = call('HINCRBY', record_key(id), 'crashes', 1)
    if crashes < most_crashes then
      job.crashes = tostring(crashes)
      reply[#reply + 1] = lease_to(consumer, job, now)
    else
      local ending = read_ending(id)
      gone[#gone + 1] = entry
      finish(id, ending, 'failed', tonumber(ending.prompt), tonumber(ending.completion), ARGV[7], job.failures, now, true)
      call('ZADD', unsaved_key, now, id)
      admit_next(ending.user, stream)
    end
  else
    if job then check_entry(job) end
    gone[#gone + 1] = entry
  end
end

while looked < tonumber(ARGV[6]) and #reply < full do
  local count = full - #reply
  local found = call('XAUTOCLAIM', KEYS[1], GROUP, consumer, ARGV[3], cursor, 'COUNT', count, 'JUSTID')
  cursor = found[1]
  looked = looked + count * 10 -- XAUTOCLAIM scans at most ten times COUNT entries
  for _, entry in ipairs(found[2]) do
    local fields = call('XRANGE', KEYS[1], entry, entry)[1]
    local id = fields and fields[2][2]
    if not pcall(take_over, entry, id) then reply[#reply + 1] = unreadable_values(id, entry) end
  end
  if cursor == '0-0' then break end
end
if cursor == '0-0' then call('DEL', cursor_key) else call('SET', cursor_key, cursor) end
if #gone > 0 then
  call('XACK', KEYS[1], GROUP, unpack(gone))
  call('XDEL', KEYS[1], unpack(gone))
end
return reply
