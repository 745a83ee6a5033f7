-- Removes value, sidecar, lease and parts in one step, so that neither what is stored nor what is being loaded survives.
-- keys: 3 and one for each part
-- KEYS[1] value   KEYS[2] sidecar   KEYS[3] lease   KEYS[4…] parts
-- ARGV[1] deadline   ARGV[2] for how many ms to remember at the sidecar's key that it was invalidated; 0: not at all
-- → 1 when there was a value, else 0
-- @include deadline
-- @include changes
local existed = redis.call('DEL', KEYS[1])
redis.call('DEL', unpack(KEYS, 2))
if tonumber(ARGV[2]) > 0 then
  -- A server that is full refuses it; the invalidation stands all the same.
  redis.pcall('SET', KEYS[2], '["invalidated",' .. string.format('%.0f', now) .. ']', 'PX', ARGV[2])
end
redis.call('PUBLISH', 'wake:' .. KEYS[1], 'invalidated')
tell_changed(KEYS)
return existed
