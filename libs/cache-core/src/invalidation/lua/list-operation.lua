-- Names an operation among those that have not ended, or takes its name away.
-- keys: 1
-- KEYS[1] operations that have not ended
-- ARGV[1] deadline   ARGV[2] 'add' | 'remove'   ARGV[3] the operation   ARGV[4] when it began   ARGV[5] ms that the list is kept
-- → 1 | 0
-- @include deadline
if ARGV[2] == 'remove' then
  return redis.call('ZREM', KEYS[1], ARGV[3])
end
local added = redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return added
