-- renew: keep leases alive, but only those that are still this owner's at this attempt.
--   KEYS  1 work stream
--   ARGV  1 consumer   then for each lease: entry id, job id, attempt
--   returns for each lease 1 renewed | 0 lost: another attempt owns the job, or it is final
-- Never a bare XCLAIM: with min-idle 0 that would let an owner which slept take its job back.
local reply, mine = {}, {}
for i = 2, #ARGV, 3 do
  local job = read_fields(record_key(ARGV[i + 1]), {'state', 'attempt', 'owner'})
  -- The owner too: a failover that forgets a lease lets the same attempt be leased again.
  local is_mine = job.state == 'running' and job.attempt == ARGV[i + 2] and job.owner == ARGV[1]
  reply[#reply + 1] = is_mine and 1 or 0
  if is_mine then mine[#mine + 1] = ARGV[i] end
end
if #mine > 0 then
  mine[#mine + 1] = 'IDLE'
  mine[#mine + 1] = 0
  mine[#mine + 1] = 'JUSTID'
  call('XCLAIM', KEYS[1], GROUP, ARGV[1], 0, unpack(mine))
end
return reply
