-- cache.Meter, on the server's clock. KEYS[1] the state, in text that people can read: gcra1, and for every limit that is not whole
-- name:arrival:rest:requests behind a space. ARGV five for every limit: its name as the state has it, its period in microseconds, its
-- requests, and what the cost adds to its level: microseconds and a rest, in 1/requests of one. The answer is two texts for every limit,
-- its level before. Every number is whole and below 2^53, where Lua is exact.
if redis.replicate_commands then
  redis.replicate_commands() -- before version 7 a server lets nothing be written after TIME otherwise
end
local time = redis.call('time')
local now = time[1] * 1000000 + time[2]

local function text(number)
  return string.format('%.0f', number) -- tostring would round
end

local function ceil(micros, rest)
  return rest > 0 and micros + 1 or micros
end

-- A limit that is there twice has the later.
local function raise(limit, level, rest)
  if level > limit.level or level == limit.level and rest > limit.rest then
    limit.level, limit.rest = level, rest
  end
end

local limits, named = {}, {}
for i = 1, #ARGV, 5 do
  local limit = {
    name = ARGV[i], period = tonumber(ARGV[i + 1]), requests = tonumber(ARGV[i + 2]),
    cost = tonumber(ARGV[i + 3]), costRest = tonumber(ARGV[i + 4]), level = 0, rest = 0,
  }
  limits[#limits + 1] = limit
  named[limit.name] = limit
end

local function foreign()
  return redis.error_reply('NOTTAKEN the entry is not one that Take made')
end

local last = 0
local state = { 'gcra1' }
local function keep(name, at, rest, of)
  state[#state + 1] = name .. ':' .. text(at) .. ':' .. text(rest) .. ':' .. text(of)
  last = math.max(last, ceil(at, rest))
end

local old = redis.call('get', KEYS[1])
if old then
  if old ~= 'gcra1' and old:sub(1, 6) ~= 'gcra1 ' then
    return foreign()
  end
  local latest = now + 34560000000000 -- in 400 days: where the clock was set back it may be more
  for field in old:sub(6):gmatch(' ([^ ]*)') do
    local name, at, rest, of = field:match('^([^:]*):(%d+):(%d+):(%d+)$')
    if not name or name:gsub('%%%x%x', ''):find('%', 1, true) then
      return foreign()
    end
    at, rest, of = tonumber(at), tonumber(rest), tonumber(of)
    if math.max(at, rest, of) > 9007199254740991 or rest > 0 and rest >= of then
      return foreign()
    end
    local limit = named[name]
    if at < now or at == now and rest == 0 then -- whole again
    elseif limit and of ~= limit.requests then
      raise(limit, ceil(at - now, rest), 0)
    elseif limit then
      raise(limit, at - now, rest)
    elseif at >= latest then
      keep(name, latest, 0, of)
    else
      keep(name, at, rest, of)
    end
  end
end

local allowed = true
local levels = {}
for _, limit in ipairs(limits) do
  limit.before, limit.beforeRest = limit.level, limit.rest
  if limit.level >= limit.period then
    limit.before, limit.beforeRest = limit.period, 0
  end
  limit.after, limit.afterRest = limit.before + limit.cost, limit.beforeRest + limit.costRest
  if limit.afterRest >= limit.requests then
    limit.after, limit.afterRest = limit.after + 1, limit.afterRest - limit.requests
  end
  allowed = allowed and ceil(limit.after, limit.afterRest) <= limit.period
  levels[#levels + 1] = text(limit.before)
  levels[#levels + 1] = text(limit.beforeRest)
end

local changed = false
for _, limit in ipairs(limits) do
  if not allowed then
    limit.after, limit.afterRest = limit.before, limit.beforeRest
  end
  changed = changed or limit.after ~= limit.level or limit.afterRest ~= limit.rest
  if limit.after > 0 or limit.afterRest > 0 then
    keep(limit.name, now + limit.after, limit.afterRest, limit.requests)
  end
end
if changed then
  redis.call('set', KEYS[1], table.concat(state, ' '), 'px', text(math.max(1, math.ceil((last - now) / 1000))))
end
return levels
