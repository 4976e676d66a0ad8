#!lua flags=allow-oom
-- Purpose: the live readers of a workspace, replica by replica; fields whose lease ended are removed.
-- KEYS: 1 subscriber hash. ARGV: none. Reply: {replica, events readers, log readers, replica, ...}, live ones only.
-- Bound: one field a replica.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all, live = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local _, events, log, lease = string.match(all[i + 1], '^(%d+) (%d+) (%d+) (%d+)$')
  if lease and tonumber(lease) > now then
    live[#live + 1] = all[i]
    live[#live + 1] = tonumber(events)
    live[#live + 1] = tonumber(log)
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return live
