-- Writes copies of what PostgreSQL has, together, unless there are copies of something newer.
-- keys: 2 for each copy
-- KEYS[1, 3, …] copy   KEYS[2, 4, …] its fencing number
-- ARGV[1] deadline   ARGV[2] fencing number
-- then for each copy its type ('list' or 'hash'), its TTL in ms, how many arguments follow, and these:
--   list: item, …   hash: field, value, …
-- → 1 | 0 (there is something newer: nothing was written)
-- @include deadline
-- @include changes
for at = 2, #KEYS, 2 do
  local newest = tonumber(redis.pcall('GET', KEYS[at]) or '')
  if newest and newest > tonumber(ARGV[2]) then
    return 0
  end
end
local changed = {}
local at = 3
for copy = 1, #KEYS, 2 do
  local kind, ttl, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  redis.call('DEL', KEYS[copy])
  redis.call(kind == 'list' and 'RPUSH' or 'HSET', KEYS[copy], unpack(ARGV, at + 3, at + 2 + count))
  redis.call('PEXPIRE', KEYS[copy], ttl)
  redis.call('SET', KEYS[copy + 1], ARGV[2], 'PX', ttl)
  changed[#changed + 1] = KEYS[copy]
  at = at + 3 + count
end
tell_changed(changed)
return 1
