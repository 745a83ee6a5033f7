-- Takes from several limits of one slot at once, or from none of them.
-- keys: 2 and more
-- KEYS, of each limit: the counter of the window; where two windows make a sliding one, that of the window before it next
-- KEYS, at the end, where there is a receipt: its key
-- ARGV[1] deadline   ARGV[2] ms to keep the receipt (0: there is none)
-- ARGV, of each limit: number of the window (''; it begins with its first count), its ms, the most ('': any), the cost, ms to keep the counter
-- → {1 taken | 0 denied, now, of each limit: count before, count of the window before, ms left of the window}
--   {-1, now} nothing done: another window has begun than the keys were made for
-- @include deadline

-- Whoever wrote something else there, it counts for nothing and is replaced by the next count.
local function counted(key)
  local held = redis.pcall('GET', key)
  local count = type(held) == 'string' and tonumber(held)
  if not count or not (count >= 0 and count < 9007199254740992) then
    return 0
  end
  return math.floor(count)
end

local keep_receipt = tonumber(ARGV[2])
local takes, answer, allowed = {}, { 1, now }, true
local key = 1
for at = 3, #ARGV, 5 do
  local number, window, most, cost = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local take = { key = KEYS[key], cost = cost, keep = ARGV[at + 4], count = counted(KEYS[key]), ends = '0' }
  local before, left = 0, window
  if number == '' then
    local ttl = redis.call('PTTL', take.key)
    if ttl == -1 then
      -- A counter without end would deny for ever.
      redis.call('PEXPIRE', take.key, window)
    elseif ttl >= 0 then
      left = ttl
    end
    take.keep = tostring(math.max(1, left))
    take.ends = string.format('%.0f', now + left)
  else
    key = key + 1
    local elapsed = now - tonumber(number) * window
    if elapsed < 0 or elapsed >= window then
      return { -1, now }
    end
    before, left = counted(KEYS[key]), window - elapsed
  end
  key = key + 1
  if most and before * left + (take.count + cost) * window > most * window then
    allowed = false
  end
  takes[#takes + 1] = take
  answer[#answer + 1] = take.count
  answer[#answer + 1] = before
  answer[#answer + 1] = left
end

if not allowed then
  answer[1] = 0
  return answer
end
local receipt = {}
for _, take in ipairs(takes) do
  if take.cost > 0 then
    redis.call('SET', take.key, string.format('%.0f', take.count + take.cost), 'PX', take.keep)
  end
  receipt[#receipt + 1] = string.format('%.0f %s', take.cost, take.ends)
end
if keep_receipt > 0 then
  redis.call('SET', KEYS[key], table.concat(receipt, ','), 'PX', ARGV[2])
end
return answer
