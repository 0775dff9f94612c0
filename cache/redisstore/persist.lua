-- KEYS[1] the entry. PERSIST alone does not tell a permanent entry from an absent one.
if redis.call('exists', KEYS[1]) == 0 then
  return 0
end
redis.call('persist', KEYS[1])
return 1
