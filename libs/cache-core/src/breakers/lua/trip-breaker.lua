-- closed → open: the caller has seen too many failures.
-- keys: 2
-- KEYS[1] the documented hash   KEYS[2] our own beside it
-- ARGV[1] deadline   ARGV[2] epoch in which the failures were seen   ARGV[3] failures   ARGV[4] ms to stay open   ARGV[5] TTL ms
-- → as look-at-breaker, with 1 first when it was opened, 0 when another state had begun since
-- @include deadline
-- @include breaker
if status ~= 'closed' or (epoch ~= 0 and epoch ~= tonumber(ARGV[2])) then
  return answer(0)
end
redis.call('HSET', KEYS[1], 'failures', '0')
failed(ARGV[3])
become('open', now + tonumber(ARGV[4]), 1, '', ARGV[5])
return answer(1)
