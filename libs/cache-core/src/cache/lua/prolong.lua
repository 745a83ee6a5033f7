-- Gives an entry that its loader found unchanged new times, without writing its value again: under the lease, and only
-- while it is the entry that the loader was given.
-- keys: 3 and one for each part
-- KEYS[1] value   KEYS[2] sidecar   KEYS[3] lease   KEYS[4…] parts
-- ARGV[1] deadline   ARGV[2] the lease's text   ARGV[3] TTL ms   ARGV[4] the new sidecar   ARGV[5] the sidecar that it had
-- → 1 | 0 (the lease is no longer ours, or the entry is another or gone: nothing was written)
-- @include deadline
-- @include changes
if redis.call('GET', KEYS[3]) ~= ARGV[2] then
  return 0
end
local same = redis.call('GET', KEYS[2]) == ARGV[5]
if same then
  -- An absence has no value to prolong; the lists and hashes that are empty have no key either.
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  for part = 4, #KEYS do
    redis.call('PEXPIRE', KEYS[part], ARGV[3])
  end
  redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
  tell_changed(KEYS)
end
redis.call('DEL', KEYS[3])
redis.call('PUBLISH', 'wake:' .. KEYS[1], same and 'stored' or 'released')
return same and 1 or 0
