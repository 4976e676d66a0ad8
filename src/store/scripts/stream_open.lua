#!lua flags=allow-oom
-- Purpose: one stream opens: counts it (this replica's absolute count, so that a lost reply or a repeat cannot drift) and reads
--   the bounds of what is kept, in one step: the count is right before the reader's first byte.
-- KEYS: 1 meta hash; 2 the stream of the generation; 3 subscriber hash; ARGV: 1 generation, 2 epoch for a workspace never seen,
--   3 sequence field of meta ('seq' or 'lseq'), 4 replica incarnation ('' = count nobody), 5 count version, 6 events readers,
--   7 log readers, 8 lease in ms, 9 workspace limit of readers of this stream (0 = none), 10 which count that is (1 or 2).
-- Reply: {0, generation} when stale; {2, readers} over the limit (and this replica's count as if the reader had not come);
--   else {1, generation, epoch, latest seq, oldest kept seq (latest + 1 if none), first seq of the generation, time in ms}.
-- Bound: one stream entry, one field a live replica.
local m = redis.call('HMGET', KEYS[1], 'gen', 'epoch', ARGV[3], ARGV[3] == 'seq' and 'ebase' or 'lbase')
local generation = m[1] or '1'
if generation ~= ARGV[1] then return {0, tonumber(generation)} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = m[2]
if not epoch then
  -- Named now, so that a cursor given out before the first event stays good. Forgotten after a day if nothing is ever written.
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
  redis.call('EXPIRE', KEYS[1], 86400)
end
if ARGV[4] ~= '' then
  local limit, slot = tonumber(ARGV[9]), tonumber(ARGV[10])
  if limit > 0 then
    local others = 0
    local all = redis.call('HGETALL', KEYS[3])
    for i = 1, #all, 2 do
      if all[i] ~= ARGV[4] then
        local _, events, log, lease = string.match(all[i + 1], '^(%d+) (%d+) (%d+) (%d+)$')
        if lease and tonumber(lease) > now then others = others + tonumber(slot == 1 and events or log) end
      end
    end
    local total = others + tonumber(ARGV[5 + slot])
    if total > limit then return {2, total} end
  end
  local held = redis.call('HGET', KEYS[3], ARGV[4])
  if not held or tonumber(string.match(held, '^%d+')) < tonumber(ARGV[5]) then
    redis.call('HSET', KEYS[3], ARGV[4],
      ARGV[5] .. ' ' .. ARGV[6] .. ' ' .. ARGV[7] .. ' ' .. string.format('%.0f', now + tonumber(ARGV[8])))
    redis.call('PEXPIRE', KEYS[3], tonumber(ARGV[8]) * 4)
  end
end
local latest = tonumber(m[3] or 0)
local head = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local oldest = head[1] and tonumber(string.match(head[1][1], '^%d+')) or latest + 1
return {1, tonumber(generation), epoch, latest, oldest, tonumber(m[4] or 0) + 1, now}
