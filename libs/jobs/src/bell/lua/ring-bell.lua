-- Tells whoever listens that there is something new.
-- keys: 1
-- KEYS[1] channel
-- ARGV[1] deadline
-- → how many have heard it on this server
-- @include deadline
return redis.call('PUBLISH', KEYS[1], 'new')
