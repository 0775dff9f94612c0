-- KEYS[1] the entry; ARGV[1] its new lifetime in milliseconds, if it has one: PTTL is 0 in the last millisecond, -1 of a permanent entry.
-- Before version 7 a server lets nothing be written after PTTL unless effects are what is replicated.
if redis.replicate_commands then
  redis.replicate_commands()
end
local value = redis.call('get', KEYS[1])
if value and redis.call('pttl', KEYS[1]) >= 0 then
  redis.call('pexpire', KEYS[1], ARGV[1])
end
return value
