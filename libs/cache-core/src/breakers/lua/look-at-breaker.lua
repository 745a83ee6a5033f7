-- Reads a breaker, all of it as it stands at one moment.
-- keys: 2
-- KEYS[1] the documented hash   KEYS[2] our own beside it
-- ARGV[1] deadline
-- → {0, status, epoch, ms until the next probe or the end of this one's lease, opens, probe, failures, last_failure, next_check}
-- @include deadline
-- @include breaker
return answer(0)
