-- Gives a subject a version that it never had, so that every entry which records an older one is a miss.
-- keys: 1
-- KEYS[1] version
-- ARGV[1] deadline   ARGV[2] the new version   ARGV[3] ms that it is to live at least
-- → 1
-- The time of the invalidation stands behind the version, for families that mistrust their origin's replicas for a while.
-- @include deadline
-- @include changes
local left = redis.call('PTTL', KEYS[1])
local ttl = math.max(tonumber(ARGV[3]), left)
local version = ARGV[2] .. '.' .. string.format('%.0f', now)
local reply = redis.pcall('SET', KEYS[1], version, 'PX', ttl)
if type(reply) == 'table' and reply.err then
  -- A server that is full refuses SET, and not DEL. A version that is not there equals none: that does as well.
  redis.call('DEL', KEYS[1])
end
tell_changed(KEYS)
return 1
