-- Removes an entry that a version has invalidated, unless it was stored anew since it was judged.
-- keys: 2 and one for each part
-- KEYS[1] value   KEYS[2] sidecar   KEYS[3…] parts
-- ARGV[1] deadline   ARGV[2] the sidecar that was judged
-- → 1 | 0 (there is another one, or none)
-- The lease stays: whoever loads now loads under versions of now.
-- @include deadline
-- @include changes
if redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return 0
end
redis.call('DEL', unpack(KEYS))
tell_changed(KEYS)
return 1
