-- Tells a subject's version, gives it one if it has none, and sees to it that it lives for its whole time.
-- keys: 1
-- KEYS[1] version
-- ARGV[1] deadline   ARGV[2] the version to give it   ARGV[3] ms that it is to live at least
-- → its version
-- @include deadline
-- @include changes
-- Something of another type is no version: the reply is a table, and SET replaces it.
local current = redis.pcall('GET', KEYS[1])
if type(current) ~= 'string' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  tell_changed(KEYS)
  return ARGV[2]
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return current
