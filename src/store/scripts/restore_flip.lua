#!lua
-- Purpose: a restore ends: the generation that was filled becomes the present one, in one step. Numbers never go back; where the
--   workspace was used before, a new epoch tells readers that this is another history.
-- KEYS: 1 meta hash; 2 config hash; 3 timers zset; 4 executor hash; 5 pending questions of the filled generation; 6 pending questions of
--   the present one; 7 idempotency record.
-- ARGV: 1 generation seen at the beginning, 2 filled generation, 3 '1' to replace what is there, 4 epoch of the dump ('' = none), 5 epoch to
--   take otherwise, 6 seq, 7 number before the first event, 8 bytes of events, 9 log seq, 10 number before the first row, 11 holes of the
--   log, 12 first row (0 = none), 13 bytes of rows, 14 config document, 15 its version ('' = no config), 16..21 limits en ea eb ln la lb
--   ('' = none), 22 events channel, 23 log channel, 24 and 25 the filled generation's timers ('' = none), 26 when to collect the old
--   generation (ms from now), 27 how long its questions stay (s), 28 fence event seq, 29 fence log seq, 30 idempotency fingerprint
--   ('' = none), 31 its TTL in s; then the count of executor fields, each: field, value; then the count of deadlines, each: ms, timer.
-- Reply: {0, generation} the workspace has changed or the filled generation is not kept any more; {1, generation, seq, log seq} done;
--   {2, stored reply} repeated; {3} mismatch; {4} not empty.
-- Bound: linear in executor fields and deadlines.
if ARGV[30] ~= '' then
  local known = redis.call('GET', KEYS[7])
  if known then
    local cut = string.find(known, '\n', 1, true)
    if string.sub(known, 1, cut - 1) == ARGV[30] then return {2, string.sub(known, cut + 1)} end
    return {3}
  end
end
local m = redis.call('HMGET', KEYS[1], 'gen', 'epoch', 'seq', 'lseq', 'lfirst', 'lbase')
local generation = m[1] or '1'
local int = function(n) return string.format('%.0f', n) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('ZSCORE', KEYS[3], ARGV[24])
if generation ~= ARGV[1] or not kept or tonumber(kept) <= now then return {0, tonumber(generation)} end
local had_seq, had_lseq = tonumber(m[3] or 0), tonumber(m[4] or 0)
local used = had_seq > 0 or had_lseq > 0 or redis.call('HEXISTS', KEYS[2], 'version') == 1
if used and ARGV[3] ~= '1' then return {4} end
local epoch = ARGV[4]
if used or epoch == '' then epoch = ARGV[5] end

local BLOCK, ROOM = 65536, 1048576
local old_lseq = had_lseq
local fence_e, fence_l = tonumber(ARGV[28]), tonumber(ARGV[29])
if fence_e > had_seq or fence_l > had_lseq then
  -- The same fence as in commit: history was lost, numbers seen by anyone are not used again.
  epoch = ARGV[5]
  had_seq = math.max(had_seq, fence_e) + ROOM
  had_lseq = math.max(had_lseq, fence_l) + ROOM
end
local seq = math.max(had_seq, tonumber(ARGV[6]))
local lseq, lbase, lholes = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
if had_lseq > lseq then
  if ARGV[12] == '0' then
    lseq = had_lseq
    lbase = lseq
  else
    -- The log goes on at a block's start: columns stay aligned.
    local index = math.ceil((had_lseq - lbase) / BLOCK) * BLOCK
    lholes = lholes .. int(lseq - lbase) .. ':' .. int(index) .. ','
    lseq = lbase + index
  end
end

redis.call('PERSIST', KEYS[1])
redis.call('HSET', KEYS[1], 'gen', ARGV[2], 'epoch', epoch, 'seq', int(seq), 'ebase', ARGV[7], 'ecum', ARGV[8], 'lseq', int(lseq),
  'lbase', int(lbase), 'lholes', lholes, 'lfirst', ARGV[12], 'lcum', ARGV[13])
for i, field in ipairs({'en', 'ea', 'eb', 'ln', 'la', 'lb'}) do
  local value = ARGV[15 + i]
  if value == '' then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, value) end
end
redis.call('DEL', KEYS[2], KEYS[4])
if ARGV[15] ~= '' then redis.call('HSET', KEYS[2], 'version', ARGV[15], 'doc', ARGV[14]) end
local a = 32
for _ = 1, tonumber(ARGV[a]) do
  redis.call('HSET', KEYS[4], ARGV[a + 1], ARGV[a + 2])
  a = a + 2
end
a = a + 1
redis.call('PERSIST', KEYS[5])
redis.call('EXPIRE', KEYS[6], ARGV[27])
redis.call('ZREM', KEYS[3], ARGV[24], ARGV[25])
for _ = 1, tonumber(ARGV[a]) do
  redis.call('ZADD', KEYS[3], ARGV[a + 1], ARGV[a + 2])
  a = a + 2
end
redis.call('ZADD', KEYS[3], int(now), 'retention')
redis.call('ZADD', KEYS[3], int(now + tonumber(ARGV[26])),
  'g ' .. generation .. ' ' .. (m[5] or '0') .. ' ' .. int(old_lseq) .. ' ' .. (m[6] or '0'))
if ARGV[30] ~= '' then
  redis.call('SET', KEYS[7], ARGV[30] .. '\n200 0 0 0 0 0\n{"restored":true,"seq":' .. int(seq) .. '}', 'EX', ARGV[31])
end
local head = ARGV[2] .. ' ' .. epoch .. ' '
redis.call('PUBLISH', ARGV[22], head .. int(seq + 1) .. ' 0')
redis.call('PUBLISH', ARGV[23], head .. int(lseq + 1) .. ' 0')
return {1, tonumber(ARGV[2]), seq, lseq}
