-- One bounded step of removing every key that begins with a given text (an overflowed journal's whole family).
-- keys: 0
-- ARGV[1] deadline   ARGV[2] cursor   ARGV[3] glob   ARGV[4] how many keys to look at
-- → the next cursor ('0': done)
-- @include deadline
-- @include changes
local step = redis.call('SCAN', ARGV[2], 'MATCH', ARGV[3], 'COUNT', ARGV[4])
-- One by one: keys of several slots are no arguments of one command.
for _, key in ipairs(step[2]) do
  redis.call('UNLINK', key)
end
if #step[2] > 0 then
  tell_changed(step[2])
end
return step[1]
