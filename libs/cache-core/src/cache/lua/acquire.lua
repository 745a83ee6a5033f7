-- Takes the lease of an entry, unless the entry has come to exist or somebody else holds the lease.
-- keys: 3
-- KEYS[1] value (or the part that the caller reads)   KEYS[2] sidecar   KEYS[3] lease
-- ARGV[1] deadline   ARGV[2] token   ARGV[3] lease ms
-- ARGV[4] 'absent': only if there is no entry; 'replace': also over an entry that the caller cannot use;
--         'steal': also from another holder, whose fill is thereby refused
-- ARGV[5] a token that may be displaced because its holder is known to be gone, or ''
-- → {'taken'} | {'held', token of the holder} | {'exists'}
-- @include deadline
if ARGV[4] ~= 'steal' then
  local holder = redis.call('GET', KEYS[3])
  if holder and holder ~= ARGV[5] then
    return { 'held', holder }
  end
  if ARGV[4] == 'absent' and redis.call('EXISTS', KEYS[1], KEYS[2]) == 2 then
    return { 'exists' }
  end
end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
return { 'taken' }
