-- Takes the next turn of a rotation.
-- keys: 1
-- KEYS[1] how many turns were taken
-- ARGV[1] deadline   ARGV[2] TTL ms
-- → the number of this turn, from 1 on
-- @include deadline
local turn = redis.pcall('INCR', KEYS[1])
if type(turn) == 'table' then
  -- Of another hand: counted anew.
  redis.call('SET', KEYS[1], 1)
  turn = 1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return turn
