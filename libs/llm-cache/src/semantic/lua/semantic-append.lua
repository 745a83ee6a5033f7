-- Appends to a stream that keeps its latest entries only.
-- keys: 1
-- KEYS[1] stream
-- ARGV[1] deadline   ARGV[2] TTL ms   ARGV[3] how many entries to keep
-- ARGV[4…] field, value, …
-- → 1
-- @include deadline
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[3], '*', unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
