-- Takes the lease of an entry, unless the entry is no longer what the caller saw or somebody else holds the lease.
-- keys: 2
-- KEYS[1] sidecar   KEYS[2] lease
-- ARGV[1] deadline   ARGV[2] the lease's text   ARGV[3] lease ms
-- ARGV[4] 'seen': only if the sidecar is the one that the caller saw; 'free': whatever the sidecar is; 'steal': also from
--         another holder, whose fill is thereby refused
-- ARGV[5] a lease that may be displaced because its holder is known to be gone or its load to be too old, or ''
-- ARGV[6] the sidecar that the caller saw, or ''
-- → {'taken'} | {'held', text of the lease} | {'changed'}
-- @include deadline
if ARGV[4] ~= 'steal' then
  -- Something of another type reads as nothing, for the caller too.
  local holder = redis.pcall('GET', KEYS[2])
  if type(holder) == 'string' and holder ~= ARGV[5] then
    return { 'held', holder }
  end
  if ARGV[4] == 'seen' then
    local sidecar = redis.pcall('GET', KEYS[1])
    if (type(sidecar) == 'string' and sidecar or '') ~= ARGV[6] then
      return { 'changed' }
    end
  end
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return { 'taken' }
