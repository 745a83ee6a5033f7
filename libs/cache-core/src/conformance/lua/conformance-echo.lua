-- Writes what it is given and says what it saw: how a link hands scripts to a server.
-- keys: 1
-- KEYS[1] a counter
-- ARGV[1] deadline   ARGV[2] bytes   ARGV[3] 'fail' to end in an error
-- → {how often it has run, the bytes, ms left until the deadline}
-- @include deadline
local runs = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 60000)
if ARGV[3] == 'fail' then
  return redis.error_reply('CONFORMANCE asked for')
end
return { runs, ARGV[2], tonumber(ARGV[1]) - now }
