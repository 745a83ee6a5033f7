-- Takes the oldest entries of a list and books each as a move under way, in one step: an entry is in the list, or booked.
-- keys: 2
-- KEYS[1] list   KEYS[2] moves under way
-- ARGV[1] deadline   ARGV[2] bytes of an entry that are kept   ARGV[3…] an id for each entry to take at most
-- → how many were taken: one for each of the first ids
-- @include deadline
local most = tonumber(ARGV[2])
for at = 3, #ARGV do
  local entry = redis.call('RPOP', KEYS[1])
  if not entry then
    return at - 3
  end
  redis.call('HSET', KEYS[2], ARGV[at], string.format('%.0f %d ', now, #entry) .. string.sub(entry, 1, most))
end
return #ARGV - 2
