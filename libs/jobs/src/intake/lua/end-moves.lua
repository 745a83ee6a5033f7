-- Forgets moves that have ended: their jobs stand in PostgreSQL.
-- keys: 1
-- KEYS[1] moves under way
-- ARGV[1] deadline   ARGV[2…] ids
-- → how many were still booked
-- @include deadline
return redis.call('HDEL', KEYS[1], unpack(ARGV, 2))
