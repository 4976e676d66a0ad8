#!lua flags=no-writes
-- Purpose: the due timers of one workspace, and when the next one is.
-- KEYS: 1 timers set; 2 meta hash. ARGV: 1 most timers. Reply: {time in ms, generation, next due in ms (0 = none), timer, ...}.
-- Bound: ARGV 1.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local after = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local reply = {now, tonumber(redis.call('HGET', KEYS[2], 'gen') or 1), after[2] and math.floor(tonumber(after[2])) or 0}
for i = 1, #due do reply[#reply + 1] = due[i] end
return reply
