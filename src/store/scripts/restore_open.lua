#!lua
-- Purpose: a restore begins: reserves a generation that nothing else writes to, and makes sure that it is collected if nobody goes on.
--   Reservations stand far apart, so that purges, which take the next number, do not come to one that is being filled.
-- KEYS: 1 meta hash; 2 config hash; 3 timers zset; 4 idempotency record. ARGV: 1 '1' to replace what is there, 2 '1' if there is a record
--   to look for, 3 when to collect (ms from now).
-- Reply: {0} the workspace is not empty; {1, generation, reserved generation} go on; {2} the record exists.
-- Bound: constant.
if ARGV[2] == '1' and redis.call('EXISTS', KEYS[4]) == 1 then return {2} end
local m = redis.call('HMGET', KEYS[1], 'gen', 'seq', 'lseq', 'staging')
local used = tonumber(m[2] or 0) > 0 or tonumber(m[3] or 0) > 0 or redis.call('HEXISTS', KEYS[2], 'version') == 1
if used and ARGV[1] ~= '1' then return {0} end
local int = function(n) return string.format('%.0f', n) end
local generation = tonumber(m[1] or 1)
local staging = math.max(generation, tonumber(m[4] or 0)) + 1000
local fresh = redis.call('EXISTS', KEYS[1]) == 0
redis.call('HSET', KEYS[1], 'staging', int(staging))
if fresh then redis.call('EXPIRE', KEYS[1], 86400) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[3], int(now + tonumber(ARGV[3])), 'g ' .. int(staging) .. ' 0 0 0')
return {1, generation, staging}
