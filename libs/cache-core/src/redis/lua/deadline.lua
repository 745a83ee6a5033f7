-- Refuses to run past the caller's deadline (ARGV[1], milliseconds by Redis's clock). A command can lie in the socket
-- of a frozen server long after its caller was told that it failed; it must not take effect then.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if now > tonumber(ARGV[1]) then
  return redis.error_reply('EXPIRED deadline passed')
end
