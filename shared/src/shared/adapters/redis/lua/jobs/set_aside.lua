-- set_aside: end jobs whose records cannot be read as dead letters, so that no entry ever stops a stream.
--   KEYS  1 work stream
--   ARGV  1 stream   then for each job: entry id, job id, names of the fields that are no text, each followed by a comma
--   returns how many became dead letters; the others were over already
local stream, count = ARGV[1], 0
for i = 2, #ARGV, 3 do
  local entry, id, bad = ARGV[i], ARGV[i + 1], {}
  for name in string.gmatch(ARGV[i + 2], '[^,]+') do bad[name] = true end
  local is_aside, user = pcall(set_aside, id, stream, bad)
  if is_aside and user then
    count = count + 1
    pcall(admit_next, user, stream)
  end
  call('XACK', KEYS[1], GROUP, entry)
  call('XDEL', KEYS[1], entry)
end
return count
