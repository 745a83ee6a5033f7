-- Gives back what was taken from the limits of one slot: once, however often it is asked.
-- keys: 2 and more
-- KEYS[1] the receipt   KEYS, from the second on: the counters that were taken from, in the same order
-- ARGV[1] deadline
-- → 1 given back   0 there is nothing to give back: nothing was taken, or it was given back before
-- @include deadline
local receipt = redis.call('GET', KEYS[1])
if not receipt then
  return 0
end
redis.call('DEL', KEYS[1])
local at = 2
for cost, ends in string.gmatch(receipt, '(%d+) (%d+)') do
  local left = redis.call('PTTL', KEYS[at])
  local held = redis.pcall('GET', KEYS[at])
  local count = type(held) == 'string' and tonumber(held)
  -- A counter of the same name may be that of another window, which owes nothing.
  local same = ends == '0' or math.abs(now + left - tonumber(ends)) < 500
  if count and left > 0 and same then
    redis.call('SET', KEYS[at], string.format('%.0f', math.max(0, count - tonumber(cost))), 'KEEPTTL')
  end
  at = at + 1
end
return 1
