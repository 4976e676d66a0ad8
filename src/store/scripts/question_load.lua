#!lua flags=no-writes
-- Purpose: all that a decision about one question or one session's questions looks at, as one point in time.
-- KEYS: 1 meta hash; 2 pending questions; 3 pending ids by session; 4 outcomes; 5 config hash; 6 idempotency record.
-- ARGV: 1 generation, 2 question id ('' = none), 3 session id ('' = the question's), 4 '1' when KEYS 6 is to be read.
-- Reply: {0, generation} when stale; else {1, generation, time in ms, question, ids of the session, outcome, config document,
--   config version, stored reply}, each '' where there is none.
-- Bound: constant.
local generation = redis.call('HGET', KEYS[1], 'gen') or '1'
if generation ~= ARGV[1] then return {0, tonumber(generation)} end
local time = redis.call('TIME')
local question, outcome, session = '', '', ARGV[3]
if ARGV[2] ~= '' then
  question = redis.call('HGET', KEYS[2], ARGV[2]) or ''
  if question == '' then outcome = redis.call('HGET', KEYS[4], ARGV[2]) or '' end
  if session == '' then session = string.match(question, '^%S+') or '' end
end
local ids = session ~= '' and redis.call('HGET', KEYS[3], session) or ''
local config = redis.call('HMGET', KEYS[5], 'doc', 'version')
local stored = ARGV[4] == '1' and redis.call('GET', KEYS[6]) or ''
return {1, tonumber(generation), time[1] * 1000 + math.floor(time[2] / 1000), question, ids, outcome, config[1] or '', config[2] or '', stored}
