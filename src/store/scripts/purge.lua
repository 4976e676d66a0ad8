#!lua flags=allow-oom
-- Purpose: a purge: the next generation begins. Everything of the old one is out of every reader's sight in this one step,
--   however much it is; a job removes its keys later. Sequence numbers go on, config stays.
-- KEYS: 1 meta hash; 2 events stream of the NEXT generation; 3 timers zset; 4 pending questions of the present generation;
--   5 executor hash; 6 idempotency record. ARGV: 1 generation, 2 fence event seq, 3 fence log seq, 4 epoch to take if history was lost,
--   5 events channel, 6 log channel, 7 payload of the event, 8 traceparent or '-', 9 when to collect the old generation (ms from
--   now), 10 how long asked questions of it stay known as cancelled (s), 11 idempotency fingerprint ('' = none), 12 its TTL in s,
--   13 reply to store.
-- Reply: {0, generation} when stale; {1, generation, epoch, seq, log seq, time} done; {2, stored reply} repeated; {3} mismatch.
-- Bound: constant.
if ARGV[11] ~= '' then
  local known = redis.call('GET', KEYS[6])
  if known then
    local cut = string.find(known, '\n', 1, true)
    if string.sub(known, 1, cut - 1) == ARGV[11] then return {2, string.sub(known, cut + 1)} end
    return {3}
  end
end
local m = redis.call('HMGET', KEYS[1], 'gen', 'epoch', 'seq', 'lseq', 'lfirst', 'lbase')
local generation = m[1] or '1'
if generation ~= ARGV[1] then return {0, tonumber(generation)} end
local int = function(n) return string.format('%.0f', n) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch, seq, lseq = m[2] or ARGV[4], tonumber(m[3] or 0), tonumber(m[4] or 0)
if tonumber(ARGV[2]) > seq or tonumber(ARGV[3]) > lseq then
  -- The same fence as in commit: history was lost, numbers seen by anyone are not used again.
  epoch = ARGV[4]
  seq = math.max(seq, tonumber(ARGV[2])) + 1048576
  lseq = math.max(lseq, tonumber(ARGV[3])) + 1048576
end
local next_generation = tonumber(generation) + 1
local line = int(now) .. ' 0 orchestration.purged ' .. ARGV[8] .. ' ' .. ARGV[7]
redis.call('XADD', KEYS[2], int(seq + 1) .. '-0', 'e', line)
redis.call('PERSIST', KEYS[1])
redis.call('HSET', KEYS[1], 'gen', int(next_generation), 'epoch', epoch, 'seq', int(seq + 1), 'ebase', int(seq), 'lseq', int(lseq),
  'lbase', int(lseq), 'lholes', '', 'lfirst', '0', 'ecum', int(#'orchestration.purged' + #ARGV[7]), 'lcum', '0', 'purged_at', int(now))
redis.call('HSET', KEYS[5], 'state', 'paused')
redis.call('EXPIRE', KEYS[4], ARGV[10])
redis.call('ZADD', KEYS[3], int(now + tonumber(ARGV[9])),
  'g ' .. generation .. ' ' .. (m[5] or '0') .. ' ' .. int(lseq) .. ' ' .. (m[6] or '0'))
if ARGV[11] ~= '' then redis.call('SET', KEYS[6], ARGV[11] .. '\n' .. ARGV[13], 'EX', ARGV[12]) end
local head = int(next_generation) .. ' ' .. epoch .. ' '
redis.call('PUBLISH', ARGV[5], head .. int(seq + 1) .. ' 1\n' .. line)
redis.call('PUBLISH', ARGV[6], head .. int(lseq + 1) .. ' 0')
return {1, next_generation, epoch, seq + 1, lseq, now}
