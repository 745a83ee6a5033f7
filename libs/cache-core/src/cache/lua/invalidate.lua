-- Removes value, sidecar, lease and parts in one step, so that neither what is stored nor what is being loaded survives.
-- keys: 3 and one for each part
-- KEYS[1] value   KEYS[2] sidecar   KEYS[3] lease   KEYS[4…] parts
-- ARGV[1] deadline
-- → 1 when there was a value, else 0
-- @include deadline
local existed = redis.call('DEL', KEYS[1])
redis.call('DEL', unpack(KEYS, 2))
redis.call('PUBLISH', 'wake:' .. KEYS[1], 'invalidated')
return existed
