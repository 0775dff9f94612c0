-- KEYS[1] the entry; ARGV[1] what it must hold; ARGV[2] what it shall hold; ARGV[3] its lifetime: milliseconds, "forever" or "keep".
-- GET of an absent entry is false, which equals no text, not even the empty one.
if redis.call('get', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[3] == 'keep' then
  redis.call('set', KEYS[1], ARGV[2], 'keepttl')
elseif ARGV[3] == 'forever' then
  redis.call('set', KEYS[1], ARGV[2])
else
  redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
end
return 1
