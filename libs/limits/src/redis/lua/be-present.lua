-- Says that a process is there, and forgets those that have not said so for a while.
-- keys: 1
-- KEYS[1] processes by when they said so last
-- ARGV[1] deadline   ARGV[2] the process   ARGV[3] ms for which that holds
-- → how many there are
-- @include deadline
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('ZCARD', KEYS[1])
