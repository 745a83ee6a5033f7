-- Takes a lock that nobody holds.
-- keys: 2
-- KEYS[1] lock   KEYS[2] fence
-- ARGV[1] deadline   ARGV[2] owner   ARGV[3] TTL ms
-- → {'taken', when it expires (ms)} | {'held', ms until it expires (-1: never)}
-- @include deadline
if redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3], 'NX') then
  -- Whoever took an earlier holder's lock away by hand left this.
  redis.call('DEL', KEYS[2])
  return { 'taken', now + tonumber(ARGV[3]) }
end
return { 'held', redis.call('PTTL', KEYS[1]) }
