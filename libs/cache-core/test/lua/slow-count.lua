-- Counts, after the deadline check: shows whether a script that its caller gave up on still took effect.
-- keys: 1
-- KEYS[1] counter
-- ARGV[1] deadline
-- @include deadline
return redis.call('INCR', KEYS[1])
