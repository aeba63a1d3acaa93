-- Adds to a counter: KEYS[1] by ARGV[1], for ARGV[2] milliseconds from the first time, up to ARGV[3].
-- Gives the count as text: a number would lose digits here.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' then
  if kind ~= 'none' then
    redis.call('DEL', KEYS[1])
  end
  redis.call('HSET', KEYS[1], 'n', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return ARGV[1]
end
local added = redis.pcall('HINCRBY', KEYS[1], 'n', ARGV[1])
if type(added) == 'table' and added.err then
  redis.call('HSET', KEYS[1], 'n', ARGV[3])
end
return redis.call('HGET', KEYS[1], 'n')
