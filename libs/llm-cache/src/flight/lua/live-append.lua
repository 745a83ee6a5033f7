-- Appends to the live stream of a flight and wakes whoever follows it.
-- An id says how far the flight has come, so an entry whose first sending is in doubt can be sent again: what is already
-- there is skipped. A stream that was lost is not continued in the middle.
-- keys: 1
-- KEYS[1] live stream
-- ARGV[1] deadline   ARGV[2] TTL ms   ARGV[3] '1' when the entries begin at the beginning, else '0'
-- ARGV[4…] position, kind, delta ms and data of each entry, positions rising
-- → 1 | 0 (the stream is gone: begin again)
-- @include deadline
if ARGV[3] == '0' and redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
for at = 4, #ARGV, 4 do
  local added = redis.pcall('XADD', KEYS[1], ARGV[at] .. '-0', 'kind', ARGV[at + 1], 'delta_ms', ARGV[at + 2], 'data', ARGV[at + 3])
  if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then
    return added
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if #ARGV >= 4 then
  redis.call('PUBLISH', 'wake:' .. KEYS[1], ARGV[#ARGV - 3])
end
return 1
