#!lua flags=allow-oom
-- Purpose: this replica states how many readers it has in one workspace, and until when that holds.
-- KEYS: 1 subscriber hash. ARGV: 1 replica incarnation, 2 count version, 3 events readers, 4 log readers, 5 lease in ms.
-- Reply: 1. An older version than the one held changes nothing. Zeros stay until their lease ends, so that a statement
--   that was overtaken on its way cannot bring an old count back.
-- Bound: constant.
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and tonumber(string.match(held, '^%d+')) > tonumber(ARGV[2]) then return 1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1],
  ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. string.format('%.0f', now + tonumber(ARGV[5])))
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[5]) * 4)
return 1
