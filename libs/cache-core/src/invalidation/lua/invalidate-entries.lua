-- Removes some entries as invalidate.lua removes one: value, sidecar, lease and parts, so that neither what is stored nor
-- what is being loaded survives.
-- keys: 3 and one for each kind of part, for each entry
-- KEYS[1] value   KEYS[2] sidecar   KEYS[3] lease   KEYS[4…] parts; then those of the next entry
-- ARGV[1] deadline   ARGV[2] how many keys each entry has
-- ARGV[3] for how many ms to remember at each sidecar's key that the entry was invalidated; 0: not at all
-- → how many of the entries had a value
-- UNLINK, because nothing bounds what an entry is made of: a long list is freed by another thread.
-- @include deadline
-- @include changes
local each = tonumber(ARGV[2])
local existed = 0
for value = 1, #KEYS, each do
  existed = existed + redis.call('UNLINK', KEYS[value])
  if redis.call('UNLINK', KEYS[value + 2]) == 1 then
    redis.call('PUBLISH', 'wake:' .. KEYS[value], 'invalidated')
  end
  redis.call('UNLINK', KEYS[value + 1], unpack(KEYS, value + 3, value + each - 1))
  if tonumber(ARGV[3]) > 0 then
    redis.pcall('SET', KEYS[value + 1], '["invalidated",' .. string.format('%.0f', now) .. ']', 'PX', ARGV[3])
  end
end
tell_changed(KEYS)
return existed
