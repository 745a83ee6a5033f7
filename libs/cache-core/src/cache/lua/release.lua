-- Gives a lease back without a value and wakes those who wait for one.
-- keys: 2
-- KEYS[1] value (names the wake channel)   KEYS[2] lease
-- ARGV[1] deadline   ARGV[2] the lease's text
-- → 1 | 0 (no longer ours)
-- @include deadline
if redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', 'wake:' .. KEYS[1], 'released')
return 1
