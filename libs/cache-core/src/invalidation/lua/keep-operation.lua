-- Writes what a process knows of the operation that it carries out, and lets it own it for longer. Makes the record of a new
-- one, and gives one whose owner is gone to whoever asks first. What has ended stays as it is, but for what a process had removed
-- before it heard that the operation was not its own any more.
-- keys: 1
-- KEYS[1] operation
-- ARGV[1] deadline   ARGV[2] owner   ARGV[3] ms that it is to own it; 0: it gives it up   ARGV[4] ms that the record is kept
-- ARGV[5] 'new': it may be made   ARGV[6] how many it has removed that it has not told of yet
-- ARGV[7…] field, value, …
-- → its state as it stood there ('running' for a new one) | 'other': somebody else owns it | 'none'
-- @include deadline
local known = redis.call('HMGET', KEYS[1], 'state', 'owner', 'owned_until_ms')
local state = known[1] or (ARGV[5] == 'new' and 'running')
if not state then
  return 'none'
end
local ended = state ~= 'running' and state ~= 'cancelling'
local of_another = known[2] and known[2] ~= ARGV[2] and (tonumber(known[3]) > now or ARGV[3] == '0')
if ended or of_another then
  if tonumber(ARGV[6]) > 0 then
    redis.call('HINCRBY', KEYS[1], 'deleted_beside', ARGV[6])
  end
  return ended and state or 'other'
end
redis.call('HSET', KEYS[1], 'state', state, 'owner', ARGV[2], 'owned_until_ms', string.format('%.0f', now + ARGV[3]))
if #ARGV > 6 then
  redis.call('HSET', KEYS[1], unpack(ARGV, 7))
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return state
