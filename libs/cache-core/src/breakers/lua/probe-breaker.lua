-- open → half-open: takes the one lease for a probe, when its time has come or the last prober's lease is over.
-- keys: 2
-- KEYS[1] the documented hash   KEYS[2] our own beside it
-- ARGV[1] deadline   ARGV[2] token of the probe   ARGV[3] lease ms   ARGV[4] TTL ms
-- → as look-at-breaker, with 1 first when the lease was taken
-- @include deadline
-- @include breaker
if status == 'closed' or now < until_ms then
  return answer(0)
end
become('half-open', now + tonumber(ARGV[3]), opens, ARGV[2], ARGV[4])
return answer(1)
