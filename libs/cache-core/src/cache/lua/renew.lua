-- Prolongs a lease that is still ours.
-- keys: 1
-- KEYS[1] lease
-- ARGV[1] deadline   ARGV[2] the lease's text   ARGV[3] lease ms
-- → 1 | 0 (no longer ours)
-- @include deadline
if redis.call('GET', KEYS[1]) ~= ARGV[2] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
