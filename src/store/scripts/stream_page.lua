#!lua flags=no-writes
-- Purpose: one page of a stream's entries from a sequence number on, with the bounds of what is kept, as one point in time.
-- KEYS: 1 meta hash; 2 the stream of the generation. ARGV: 1 generation, 2 sequence field of meta, 3 from seq (inclusive),
--   4 most entries, 5 bytes after which no further step of 16 entries is read.
-- Reply: {0, generation} when stale; else {1, generation, epoch, latest, oldest (latest + 1 if none), first seq of the
--   generation, ended by a limit (1) or by the head (0), seq, entry, seq, entry, ...}.
-- Bound: ARGV 4 entries; bytes: ARGV 5 and 15 entries.
local m = redis.call('HMGET', KEYS[1], 'gen', 'epoch', ARGV[2], ARGV[2] == 'seq' and 'ebase' or 'lbase')
local generation = m[1] or '1'
if generation ~= ARGV[1] then return {0, tonumber(generation)} end
local latest = tonumber(m[3] or 0)
local head = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local oldest = head[1] and tonumber(string.match(head[1][1], '^%d+')) or latest + 1
local reply = {1, tonumber(generation), m[2] or '', latest, oldest, tonumber(m[4] or 0) + 1, 0}
local most, budget = tonumber(ARGV[4]), tonumber(ARGV[5])
local from, got, bytes = ARGV[3] .. '-0', 0, 0
while got < most do
  local want = math.min(16, most - got)
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', want)
  for i = 1, #entries do
    local line = entries[i][2][2]
    reply[#reply + 1] = tonumber(string.match(entries[i][1], '^%d+'))
    reply[#reply + 1] = line
    bytes = bytes + #line
  end
  got = got + #entries
  if #entries < want then return reply end
  if bytes >= budget then break end
  from = '(' .. entries[#entries][1]
end
reply[7] = 1
return reply
