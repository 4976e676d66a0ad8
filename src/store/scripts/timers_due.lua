#!lua flags=allow-oom
-- Purpose: the workspaces of one index set with a timer that is due. Each is put off by a short lease, so that of all replicas
--   one looks at it now, and another a little later should this one die.
-- KEYS: 1 index set. ARGV: 1 lease in ms, 2 most workspaces. Reply: {time in ms, workspace, ...}.
-- Bound: ARGV 2.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for i = 1, #due do redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', now + tonumber(ARGV[1])), due[i]) end
table.insert(due, 1, now)
return due
