-- Removes value, sidecar, lease and parts in one step, so that neither what is stored nor what is being loaded survives.
-- keys: 3 and one for each part
-- KEYS[1] value   KEYS[2] sidecar   KEYS[3] lease   KEYS[4…] parts
-- ARGV[1] deadline   ARGV[2] for how many ms to remember at the sidecar's key that it was invalidated; 0: not at all
-- and, where something newer is to follow: ARGV[3] the lease that was reserved for it   ARGV[4] the lease that it gets if that
--         one still stands   ARGV[5] lease ms
-- → 1 when there was a value, else 0; with something to follow: 1 when it got its lease, else 0
-- @include deadline
-- @include changes
local follows = ARGV[3] and redis.pcall('GET', KEYS[3]) == ARGV[3]
local existed = redis.call('DEL', KEYS[1])
redis.call('DEL', unpack(KEYS, 2))
if tonumber(ARGV[2]) > 0 then
  -- A server that is full refuses it; the invalidation stands all the same.
  redis.pcall('SET', KEYS[2], '["invalidated",' .. string.format('%.0f', now) .. ']', 'PX', ARGV[2])
end
if follows then
  follows = redis.pcall('SET', KEYS[3], ARGV[4], 'PX', ARGV[5]).ok ~= nil
end
redis.call('PUBLISH', 'wake:' .. KEYS[1], 'invalidated')
tell_changed(KEYS)
if ARGV[3] then
  return follows and 1 or 0
end
return existed
