-- half-open → closed or open: what the probe has shown, if the lease is still its own.
-- keys: 2
-- KEYS[1] the documented hash   KEYS[2] our own beside it
-- ARGV[1] deadline   ARGV[2] token of the probe   ARGV[3] 'closed', 'open' (it failed) or 'undecided'
-- ARGV[4] ms to stay open   ARGV[5] TTL ms
-- → as look-at-breaker, with 1 first when the result counted
-- @include deadline
-- @include breaker
if status ~= 'half-open' or probe ~= ARGV[2] then
  return answer(0)
end
if ARGV[3] == 'closed' then
  redis.call('HSET', KEYS[1], 'failures', '0')
  become('closed', 0, 0, '', ARGV[5])
elseif ARGV[3] == 'open' then
  failed(1)
  become('open', now + tonumber(ARGV[4]), opens + 1, '', ARGV[5])
else
  become('open', now + tonumber(ARGV[4]), opens, '', ARGV[5])
end
return answer(1)
