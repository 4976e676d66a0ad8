#!lua
-- Purpose: the one transaction. Takes several decisions for one workspace; each is checked (idempotency record, preconditions)
--   and then appends its events and log rows, applies its writes and stores its reply, or does nothing at all.
-- KEYS: 1 meta hash; 2 events stream and 3 log stream of the generation; 4 prefix of the log's column keys (the script adds
--   block number and column letter: the block follows from the sequence number, which only the script knows; same hash tag);
--   5.. what the decisions name by index.
-- ARGV: 1 generation, 2 highest event seq and 3 highest log seq the caller has seen (the fence), 4 epoch to take if history
--   was lost, 5 events channel, 6 log channel, 7 '1' to apply retention even if nothing is added, 8 number of decisions, then each:
--   'E' and type, traceparent or '-', payload: one event without any condition, as most are; or 'D' and
--   idempotency key index (0 = none), fingerprint, TTL in s, status, body;
--   count of preconditions, each: 'e' key field value ('' = absent) | 'p' key field (present);
--   count of events, each: type, traceparent or '-', payload;
--   count of rows, each: traceparent or '-', row JSON; and if there are rows: eight column strings (8 bytes a row), text;
--   count of writes, each: 'hs' key field value | 'hd' key field | 'za' key score member | 'zr' key member |
--   'zs' key member (score = seq of the decision's first event) | 'ms' meta-field value ('' deletes) |
--   'pr' zset hash cutoff-ms (drops members whose hash value starts with an older time).
-- Reply: {0, generation} when the generation is not the present one; else {1, generation, epoch, seq, log seq, time in ms, results...}
--   with each result its seq for an 'E', else {'C', first seq, events, first log seq, rows} |
--   {'R', stored reply} | {'M'} | {'X', failed precondition}.
-- Bound: linear in the decisions given; retention drops at most 2,000 entries and reads at most 32 + added/2 a stream.
-- If the server dies after any line, Redis applies the whole script or none of it (AOF and replication are per script).

local now_parts = redis.call('TIME')
local now = now_parts[1] * 1000 + math.floor(now_parts[2] / 1000)
-- Lua writes numbers with 14 digits: whole up to 10^14, which neither ms nor sequence numbers nor bytes reach.
local META = {'gen', 'epoch', 'seq', 'lseq', 'ecum', 'lcum', 'lbase', 'lholes',
  'en', 'ea', 'eb', 'ln', 'la', 'lb', 'lfirst'}
local m = redis.call('HMGET', KEYS[1], unpack(META))
local generation = m[1] or '1'
if generation ~= ARGV[1] then return {0, tonumber(generation)} end

local epoch, seq, lseq = m[2], tonumber(m[3] or 0), tonumber(m[4] or 0)
local ecum, lcum, lbase = tonumber(m[5] or 0), tonumber(m[6] or 0), tonumber(m[7] or 0)
local lholes = m[8] or ''
local lfirst = tonumber(m[15] or 0)
local BLOCK = 65536
local dirty = false

if seq == 0 and lseq == 0 then redis.call('PERSIST', KEYS[1]) end
if not epoch then epoch = ARGV[4]; dirty = true end
local fence_e, fence_l = tonumber(ARGV[2]), tonumber(ARGV[3])
if fence_e > seq or fence_l > lseq then
  -- Redis has forgotten writes that somebody has seen (a failover, a flush). Another replica may have seen more than the caller
  -- has: leave room, so that no sequence number is ever used twice. The log goes on at a block's start: columns stay aligned.
  epoch = ARGV[4]
  seq = math.max(seq, fence_e) + 1048576
  local index = math.max(lseq, fence_l) - lbase + 1048576
  index = math.ceil(index / BLOCK) * BLOCK
  if lseq > lbase then lholes = lholes .. (lseq - lbase) .. ':' .. index .. ',' end
  lseq = lbase + index
  if lholes == '' then lbase = lseq end
  dirty = true
end

local results = {}
local first_event, event_lines, event_bytes, big = seq + 1, {}, 0, false
local first_row, row_lines, row_bytes, big_row = lseq + 1, {}, 0, false
local columns, text = {{}, {}, {}, {}, {}, {}, {}, {}}, {}
local stamp = now .. ''
local a = 8
local function arg() a = a + 1; return ARGV[a] end

local forced = ARGV[7] == '1'
local call = redis.call
for d = 1, tonumber(ARGV[8]) do
  a = a + 1
  if ARGV[a] == 'E' then
    local kind, payload = ARGV[a + 1], ARGV[a + 3]
    seq = seq + 1
    local line = stamp .. ' ' .. ecum .. ' ' .. kind .. ' ' .. ARGV[a + 2] .. ' ' .. payload
    a = a + 3
    call('XADD', KEYS[2], seq .. '-0', 'e', line)
    ecum = ecum + #kind + #payload
    event_lines[#event_lines + 1] = line
    event_bytes = event_bytes + #line
    if #line > 8192 then big = true end
    results[d] = seq
  else
  local idem, fingerprint, ttl, status, body = tonumber(arg()), arg(), arg(), arg(), arg()
  local verdict
  if idem > 0 then
    local known = redis.call('GET', KEYS[idem])
    if known then
      local cut = string.find(known, '\n', 1, true)
      if string.sub(known, 1, cut - 1) == fingerprint then verdict = {'R', string.sub(known, cut + 1)} else verdict = {'M'} end
    end
  end
  for i = 1, tonumber(arg()) do
    local op, key, field = arg(), KEYS[tonumber(arg())], arg()
    if op == 'e' then
      local want = arg()
      if not verdict and (redis.call('HGET', key, field) or '') ~= want then verdict = {'X', i} end
    elseif not verdict and redis.call('HEXISTS', key, field) == 0 then
      verdict = {'X', i}
    end
  end

  local event_count = tonumber(arg())
  local my_seq = seq + 1
  for _ = 1, event_count do
    local kind, trace, payload = arg(), arg(), arg()
    if not verdict then
      seq = seq + 1
      local line = stamp .. ' ' .. ecum .. ' ' .. kind .. ' ' .. trace .. ' ' .. payload
      redis.call('XADD', KEYS[2], seq .. '-0', 'e', line)
      ecum = ecum + #kind + #payload
      event_lines[#event_lines + 1] = line
      event_bytes = event_bytes + #line
      if #line > 8192 then big = true end
    end
  end

  local row_count = tonumber(arg())
  local my_row = lseq + 1
  for _ = 1, row_count do
    local trace, row = arg(), arg()
    if not verdict then
      lseq = lseq + 1
      local line = stamp .. ' ' .. lcum .. ' tool.call ' .. trace .. ' ' .. row
      redis.call('XADD', KEYS[3], lseq .. '-0', 'e', line)
      lcum = lcum + #row
      row_lines[#row_lines + 1] = line
      row_bytes = row_bytes + #line
      if #line > 8192 then big_row = true end
    end
  end
  if row_count > 0 then
    for c = 1, 8 do
      local column = arg()
      if not verdict then table.insert(columns[c], column) end
    end
    local words = arg()
    if not verdict then table.insert(text, words) end
  end

  for _ = 1, tonumber(arg()) do
    local op = arg()
    if op == 'hs' then
      local key, field, value = KEYS[tonumber(arg())], arg(), arg()
      if not verdict then redis.call('HSET', key, field, value) end
    elseif op == 'hd' then
      local key, field = KEYS[tonumber(arg())], arg()
      if not verdict then redis.call('HDEL', key, field) end
    elseif op == 'za' then
      local key, score, member = KEYS[tonumber(arg())], arg(), arg()
      if not verdict then redis.call('ZADD', key, score, member) end
    elseif op == 'zr' then
      local key, member = KEYS[tonumber(arg())], arg()
      if not verdict then redis.call('ZREM', key, member) end
    elseif op == 'zs' then
      local key, member = KEYS[tonumber(arg())], arg()
      if not verdict then redis.call('ZADD', key, my_seq, member) end
    elseif op == 'ms' then
      local field, value = arg(), arg()
      if not verdict then
        if value == '' then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, value) end
        for i = 9, 14 do if META[i] == field then m[i] = value ~= '' and value or false end end
      end
    else
      local zset, hash, cutoff = KEYS[tonumber(arg())], KEYS[tonumber(arg())], tonumber(arg())
      if not verdict then
        for _, member in ipairs(redis.call('ZRANGE', zset, 0, 15)) do
          local value = redis.call('HGET', hash, member)
          if value and tonumber(string.match(value, '^%d+')) >= cutoff then break end
          redis.call('ZREM', zset, member)
          redis.call('HDEL', hash, member)
        end
      end
    end
  end

  if not verdict then
    verdict = {'C', my_seq, event_count, my_row, row_count}
    if idem > 0 then
      redis.call('SET', KEYS[idem], fingerprint .. '\n' .. status .. ' ' .. my_seq .. ' ' .. event_count .. ' '
        .. my_row .. ' ' .. row_count .. ' ' .. stamp .. '\n' .. body, 'EX', ttl)
    end
  end
  results[d] = verdict
  end
end

-- Retention, by the append itself: whole steps, so that a lowered limit is reached over the next appends and never blocks one.
local function trim(key, newest, max_count, max_age, max_bytes, total, added)
  local trimmed = false
  local length = redis.call('XLEN', key)
  if length > max_count then
    -- A large limit is kept with a slack of 0.1 %, below it: Redis then frees whole nodes instead of marking single entries.
    local keep = max_count - math.min(100, math.floor(max_count / 1000))
    redis.call('XTRIM', key, 'MAXLEN', '=', (math.max(keep, length - 2000 - added)))
    trimmed = true
  end
  if max_age or max_bytes then
    for _ = 1, 4 + math.floor(added / 16) do
      local head = redis.call('XRANGE', key, '-', '+', 'COUNT', 8)
      local keep_from
      for i = 1, #head do
        local at, before = string.match(head[i][2][2], '^(%d+) (%d+)')
        local fresh = not max_age or now - tonumber(at) <= max_age
        local fits = not max_bytes or total - tonumber(before) <= max_bytes or head[i][1] == newest .. '-0'
        if fresh and fits then keep_from = head[i][1]; break end
      end
      if #head == 0 or keep_from == head[1][1] then break end
      trimmed = true
      if keep_from then redis.call('XTRIM', key, 'MINID', '=', keep_from); break end
      local last = tonumber(string.match(head[#head][1], '^%d+'))
      redis.call('XTRIM', key, 'MINID', '=', (last + 1) .. '-0')
    end
  end
  return trimmed
end

local added, added_rows = #event_lines, #row_lines
if added > 0 or forced then
  trim(KEYS[2], seq, tonumber(m[9] or 100000), tonumber(m[10] or nil), tonumber(m[11] or nil), ecum, added)
end
if added_rows > 0 then
  -- Columns: the rows of this call are contiguous; they touch one block, or two at a border.
  local index = first_row - lbase - 1
  local letters = {'t', 'T', 'S', 'A', 's', 'c', 'e', 'k'}
  local done = 0
  for c = 1, 8 do
    local data = table.concat(columns[c])
    done = 0
    while done < added_rows do
      local at = index + done
      local block, offset = math.floor(at / BLOCK), at % BLOCK
      local count = math.min(added_rows - done, BLOCK - offset)
      redis.call('SETRANGE', KEYS[4] .. block .. letters[c], (offset * 8), string.sub(data, done * 8 + 1, (done + count) * 8))
      done = done + count
    end
  end
  local words = table.concat(text)
  local block = math.floor(index / BLOCK)
  local room = BLOCK - index % BLOCK
  if added_rows > room then
    local cut = 0
    for _ = 1, room do cut = string.find(words, '\30', cut + 1, true) end
    redis.call('APPEND', KEYS[4] .. block .. 'x', string.sub(words, 1, cut))
    redis.call('APPEND', KEYS[4] .. (block + 1) .. 'x', string.sub(words, cut + 1))
  else
    redis.call('APPEND', KEYS[4] .. block .. 'x', words)
  end
  if lfirst == 0 then lfirst = first_row end
end
if lfirst > 0 and (added_rows > 0 or forced) then
  if trim(KEYS[3], lseq, tonumber(m[12] or 1000000), tonumber(m[13] or nil), tonumber(m[14] or nil), lcum, added_rows) then
    local head = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)
    local first = head[1] and tonumber(string.match(head[1][1], '^%d+')) or lseq + 1
    local old, new = math.floor((lfirst - lbase - 1) / BLOCK), math.floor((first - lbase - 1) / BLOCK)
    for gone = old, math.min(new, old + 64) - 1 do
      local prefix = KEYS[4] .. gone
      redis.call('UNLINK', prefix .. 't', prefix .. 'T', prefix .. 'S', prefix .. 'A', prefix .. 's', prefix .. 'c',
        prefix .. 'e', prefix .. 'k', prefix .. 'x')
    end
    lfirst = first
  end
end

if added > 0 and added_rows == 0 and not dirty and not forced then
  redis.call('HSET', KEYS[1], 'seq', seq, 'ecum', ecum)
elseif dirty or forced or added > 0 or added_rows > 0 then
  redis.call('HSET', KEYS[1], 'gen', generation, 'epoch', epoch, 'seq', seq, 'lseq', lseq, 'ecum', ecum,
    'lcum', lcum, 'lbase', lbase, 'lholes', lholes, 'lfirst', lfirst)
end

-- The doorbell carries the entries as stored; too much for a message, and it carries the numbers only.
local function ring(channel, first, lines, bytes, too_big)
  if #lines == 0 then return end
  local head = generation .. ' ' .. epoch .. ' ' .. first .. ' ' .. (#lines)
  if too_big or bytes > 65536 then
    redis.call('PUBLISH', channel, head)
  else
    redis.call('PUBLISH', channel, head .. '\n' .. table.concat(lines, '\n'))
  end
end
ring(ARGV[5], first_event, event_lines, event_bytes, big)
ring(ARGV[6], first_row, row_lines, row_bytes, big_row)

return {1, tonumber(generation), epoch, seq, lseq, now, unpack(results)}
