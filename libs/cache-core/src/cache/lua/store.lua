-- Writes value, sidecar and parts in one step. A fill does so only while the lease is still the caller's; a put does so
-- always and ends whatever load is in flight, because what it writes is newer.
-- keys: 3 and one for each part
-- KEYS[1] value   KEYS[2] sidecar   KEYS[3] lease   KEYS[4…] parts
-- ARGV[1] deadline   ARGV[2] the lease's text, or '' for a put   ARGV[3] TTL ms   ARGV[4] sidecar
-- ARGV[5…] bytes of each part ('' removes it)
-- then the Redis type of the value ('string', 'hash', 'list', 'zset') and its arguments:
--   string: the bytes   hash: field, value, …   list: item, …   zset: score, member, …
--   absent: none; the value is removed, and only the sidecar says that there is none
-- → 1 | 0 (the lease is no longer ours: nothing was written)
-- @include deadline
-- @include changes
if ARGV[2] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[2] then
  return 0
end
local ttl = ARGV[3]
local at = 5
for part = 4, #KEYS do
  if ARGV[at] ~= '' then
    redis.call('SET', KEYS[part], ARGV[at], 'PX', ttl)
  end
  at = at + 1
end
local kind = ARGV[at]
at = at + 1
if kind == 'string' then
  redis.call('SET', KEYS[1], ARGV[at], 'PX', ttl)
elseif kind == 'absent' then
  redis.call('DEL', KEYS[1])
else
  local command = kind == 'hash' and 'HSET' or kind == 'list' and 'RPUSH' or 'ZADD'
  redis.call('DEL', KEYS[1])
  -- Lua's stack bounds how many values one call may unpack; an even number keeps pairs together.
  while at <= #ARGV do
    local last = math.min(at + 3999, #ARGV)
    redis.call(command, KEYS[1], unpack(ARGV, at, last))
    at = last + 1
  end
  redis.call('PEXPIRE', KEYS[1], ttl)
end
redis.call('SET', KEYS[2], ARGV[4], 'PX', ttl)
-- Behind what a server that is full refuses: once a script has removed something, it may write past the limit.
for part = 4, #KEYS do
  if ARGV[part + 1] == '' then
    redis.call('DEL', KEYS[part])
  end
end
redis.call('DEL', KEYS[3])
redis.call('PUBLISH', 'wake:' .. KEYS[1], 'stored')
tell_changed(KEYS)
return 1
