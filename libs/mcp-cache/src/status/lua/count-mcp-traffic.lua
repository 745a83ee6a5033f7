-- Adds to what an MCP server was asked in one minute.
-- keys: 1
-- KEYS[1] the minute
-- ARGV[1] deadline   ARGV[2] TTL ms   ARGV[3] requests   ARGV[4] errors   ARGV[5] ms that their answers took together
-- → 1
-- @include deadline
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then
  -- Of another hand, or not there.
  redis.call('DEL', KEYS[1])
end
redis.call('HINCRBY', KEYS[1], 'requests', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'errors', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'total_ms', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
