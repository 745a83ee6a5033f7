-- Tells those processes of changed keys whom Redis itself may not tell (see l1/published-changes.ts). Follows the deadline.
-- The last argument, which the link adds, is the key where such a process has asked for it; '': nobody can.
-- A change takes its number before it is told: what is told to nobody is missed at the next beat.
local changes_key = table.remove(ARGV)
local function tell_changed(keys)
  local sequence = changes_key ~= '' and redis.pcall('HGET', changes_key, 'id')
  if not sequence then
    return
  end
  local number = redis.pcall('HINCRBY', changes_key, 'number', 1)
  if type(number) ~= 'number' then
    -- A server that is full, or a rule against this writer. Without its sequence nobody trusts what he has heard.
    redis.pcall('DEL', changes_key)
    number = 0
  end
  local known = type(sequence) == 'string' and sequence or ''
  redis.pcall('PUBLISH', 'wake:' .. changes_key, cjson.encode({ known, number, keys }))
end
