-- A breaker as it stands. KEYS[1] is the hash that others read, KEYS[2] what only we read. Follows the deadline, whose `now`
-- it uses. Without KEYS[1] the breaker is closed, so whoever deletes it resets it.
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'open' and status ~= 'half-open' then
  status = 'closed'
end
local own = redis.call('HMGET', KEYS[2], 'epoch', 'until', 'opens', 'probe')
local epoch = tonumber(own[1] or 0)
-- open: when it may be probed; half-open: when the probe's lease ends
local until_ms = tonumber(own[2] or 0)
-- openings in a row without a closing
local opens = tonumber(own[3] or 0)
local probe = own[4] or ''

-- Days to a date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
local function iso(ms)
  local floor = math.floor
  local days = floor(ms / 86400000)
  local rest = ms - days * 86400000
  local z = days + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local day = doy - floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format(
    '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ',
    year, month, day, floor(rest / 3600000), floor(rest / 60000) % 60, floor(rest / 1000) % 60, rest % 1000
  )
end

-- Begins a new state under a new epoch, which never repeats: it is Redis's time, or one more than the last.
local function become(new_status, new_until, new_opens, new_probe, ttl_ms)
  status, until_ms, opens, probe = new_status, new_until, new_opens, new_probe
  epoch = math.max(epoch + 1, now)
  redis.call('HSET', KEYS[1], 'status', status)
  redis.call('HSETNX', KEYS[1], 'failures', '0')
  if status == 'closed' then
    redis.call('HDEL', KEYS[1], 'next_check')
  else
    redis.call('HSET', KEYS[1], 'next_check', iso(until_ms))
  end
  redis.call('HSET', KEYS[2], 'epoch', string.format('%.0f', epoch), 'until', string.format('%.0f', until_ms),
    'opens', tostring(opens), 'probe', probe)
  local lasting = math.max(tonumber(ttl_ms), until_ms - now + 60000)
  redis.call('PEXPIRE', KEYS[1], lasting)
  redis.call('PEXPIRE', KEYS[2], lasting)
  redis.call('PUBLISH', 'wake:' .. KEYS[1], status)
end

local function failed(more)
  redis.call('HINCRBY', KEYS[1], 'failures', more)
  redis.call('HSET', KEYS[1], 'last_failure', iso(now))
end

local function answer(done)
  local shown = redis.call('HMGET', KEYS[1], 'failures', 'last_failure', 'next_check')
  return {
    done, status, epoch, math.max(0, until_ms - now), opens, probe,
    tonumber(shown[1]) or 0, shown[2] or '', shown[3] or ''
  }
end
