-- Asks whoever changes an entry to tell of it, for some time, and says on a channel of the caller's own how far the
-- telling is.
-- keys: 1
-- KEYS[1] changes
-- ARGV[1] deadline   ARGV[2] the name of the sequence if there is none   ARGV[3] ms to go on
-- ARGV[4] what the caller calls this beat
-- → 1
-- @include deadline
redis.call('HSETNX', KEYS[1], 'id', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'number', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local sequence = redis.call('HMGET', KEYS[1], 'id', 'number')
local told = cjson.encode({ sequence[1], tonumber(sequence[2]), { ARGV[4] } })
redis.call('PUBLISH', 'wake:' .. KEYS[1] .. ':' .. ARGV[2], told)
return 1
