#!lua
-- Purpose: the timers of a workspace were looked at: the index comes back to it at the next one, or forgets it. If its entry is
--   no longer where the one who looked had put it, somebody announced a timer meanwhile: then it stays as it is.
-- KEYS: 1 index set. ARGV: 1 workspace, 2 the lease it was put off to in ms, 3 next due in ms (0 = none).
-- Reply: 1 changed, 0 not. Bound: constant.
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '0' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) end
return 1
