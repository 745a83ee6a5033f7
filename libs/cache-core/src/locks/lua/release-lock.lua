-- Gives a lock back, if it is still its owner's, and wakes those who wait for it.
-- keys: 2
-- KEYS[1] lock   KEYS[2] fence
-- ARGV[1] deadline   ARGV[2] owner
-- → 'released' | 'other' | 'none'
-- @include deadline
-- A key of another type is somebody else's.
local holder = redis.pcall('GET', KEYS[1])
if holder ~= ARGV[2] then
  return holder and 'other' or 'none'
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', 'wake:' .. KEYS[1], 'released')
return 'released'
