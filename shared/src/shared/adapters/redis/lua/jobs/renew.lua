-- renew: renew the leases that this owner still holds at this attempt.
--   KEYS  1 work stream
--   ARGV  1 consumer   then for each lease: entry id, job id, attempt
--   returns for each lease 1 renewed | 0 lost, because another attempt owns the job or it is final
-- The check precedes XCLAIM, which with min-idle 0 would let an owner that stalled take its job back.
local reply, mine = {}, {}
for i = 2, #ARGV, 3 do
  local job = read_fields(record_key(ARGV[i + 1]), {'state', 'attempt', 'owner'})
  -- The owner is compared too: after a failover that lost a lease, the same attempt can be leased to another.
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
