-- Writes what a process knows of the operation that it carries out, and lets it own it for longer. Makes the record of a new
-- one, and gives one whose owner is gone to whoever asks first. What has ended stays as it is.
-- keys: 1
-- KEYS[1] operation
-- ARGV[1] deadline   ARGV[2] owner   ARGV[3] ms that it is to own it   ARGV[4] ms that the record is kept
-- ARGV[5] 'new': it may be made
-- ARGV[6…] field, value, …
-- → its state as it stood there ('running' for a new one) | 'other': somebody else owns it | 'none'
-- @include deadline
local known = redis.call('HMGET', KEYS[1], 'state', 'owner', 'owned_until_ms')
local state = known[1] or (ARGV[5] == 'new' and 'running')
if not state then
  return 'none'
end
if state ~= 'running' and state ~= 'cancelling' then
  return state
end
if known[2] and known[2] ~= ARGV[2] and tonumber(known[3]) > now then
  return 'other'
end
redis.call('HSET', KEYS[1], 'state', state, 'owner', ARGV[2], 'owned_until_ms', string.format('%.0f', now + ARGV[3]))
if #ARGV > 5 then
  redis.call('HSET', KEYS[1], unpack(ARGV, 6))
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return state
