-- Removes a key of a family that is no cache.
-- keys: 1
-- KEYS[1] value
-- ARGV[1] deadline
-- → 1 | 0 (nothing was there)
-- @include deadline
return redis.call('DEL', KEYS[1])
