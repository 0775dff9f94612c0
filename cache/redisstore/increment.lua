-- KEYS[1] the number; ARGV[1] what is added; ARGV[2] the lifetime of a new one: milliseconds, "forever", or "keep" to make none.
-- The answer is text: a Lua number is exact up to 2^53 only.
if redis.call('exists', KEYS[1]) == 1 then
  local sum = redis.pcall('incrby', KEYS[1], ARGV[1])
  if type(sum) == 'table' and sum.err then
    return sum -- raised, its words would differ between versions
  end
  return redis.call('get', KEYS[1])
end
if ARGV[2] == 'keep' then
  return false
end
if ARGV[2] == 'forever' then
  redis.call('set', KEYS[1], ARGV[1])
else
  redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
end
return ARGV[1]
