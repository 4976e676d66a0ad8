#!lua flags=allow-oom
-- Purpose: what was looked at moves to its next time, or goes: a workspace of the index set, or a timer of a workspace. If it is
--   no longer where the one who looked had put it, somebody has set it anew meanwhile, and it stays as it is.
-- KEYS: 1 index set or timers set. ARGV: 1 member, 2 where it was put in ms, 3 next due in ms (0 = none).
-- Reply: 1 changed, 0 not. Bound: constant.
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '0' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) end
return 1
