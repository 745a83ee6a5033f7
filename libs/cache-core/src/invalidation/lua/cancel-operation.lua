-- Asks whoever carries an operation out to stop.
-- keys: 1
-- KEYS[1] operation
-- ARGV[1] deadline
-- → its state from now on | 'none'
-- @include deadline
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'running' then
  redis.call('HSET', KEYS[1], 'state', 'cancelling')
  return 'cancelling'
end
return state or 'none'
