-- Puts a value in the place of whatever lies at a key of a family that is no cache: nothing lies beside such a key.
-- keys: 1
-- KEYS[1] value
-- ARGV[1] deadline   ARGV[2] TTL ms, or '' for a key that stays
-- then the Redis type ('string', 'hash', 'list', 'zset') and its arguments:
--   string: the bytes   hash: field, value, …   list: item, …   zset: score, member, …
-- → 1
-- @include deadline
local kind = ARGV[3]
redis.call('DEL', KEYS[1])
if kind == 'string' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  local command = kind == 'hash' and 'HSET' or kind == 'list' and 'RPUSH' or 'ZADD'
  local at = 4
  -- Lua's stack bounds how many values one call may unpack; an even number keeps pairs together.
  while at <= #ARGV do
    local last = math.min(at + 3999, #ARGV)
    redis.call(command, KEYS[1], unpack(ARGV, at, last))
    at = last + 1
  end
end
if ARGV[2] ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
