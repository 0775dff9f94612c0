-- KEYS[1] the entry; ARGV[1] what it must hold.
if redis.call('get', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('unlink', KEYS[1])
