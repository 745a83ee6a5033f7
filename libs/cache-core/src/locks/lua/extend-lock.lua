-- Lets a lock last for the whole TTL from now, if it is still its owner's.
-- keys: 2
-- KEYS[1] lock   KEYS[2] fence
-- ARGV[1] deadline   ARGV[2] owner   ARGV[3] TTL ms   ARGV[4] a fencing number to keep beside it, or ''
-- → {'held', when it expires (ms), fencing number or ''} | {'other'} | {'none'}
-- @include deadline
-- A key of another type is somebody else's.
local holder = redis.pcall('GET', KEYS[1])
if holder ~= ARGV[2] then
  return { holder and 'other' or 'none' }
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
else
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return { 'held', now + tonumber(ARGV[3]), redis.call('GET', KEYS[2]) or '' }
