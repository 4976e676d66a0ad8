#!lua
-- Purpose: the small part of a debug dump and the bounds of the large part, as one point in time. What the bounds name is only
--   appended to or dropped from the front, so that reading it afterwards up to the bounds is reading that point in time.
-- KEYS: 1 meta hash; 2 config hash; 3 executor hash; 4 pending questions. ARGV: 1 generation.
-- Reply: {0, generation} when stale; else {1, generation, time in ms, epoch ('' = none yet), seq, number before the generation's first
--   event, log seq, number before the generation's first row, config document, config version, {executor field, value, ...},
--   {question, ...}}, '' for what is not there.
-- Bound: one field a pending question.
local m = redis.call('HMGET', KEYS[1], 'gen', 'epoch', 'seq', 'ebase', 'lseq', 'lbase')
local generation = m[1] or '1'
if generation ~= ARGV[1] then return {0, tonumber(generation)} end
local time = redis.call('TIME')
local config = redis.call('HMGET', KEYS[2], 'doc', 'version')
return {1, tonumber(generation), time[1] * 1000 + math.floor(time[2] / 1000), m[2] or '', tonumber(m[3] or 0), tonumber(m[4] or 0),
  tonumber(m[5] or 0), tonumber(m[6] or 0), config[1] or '', config[2] or '', redis.call('HGETALL', KEYS[3]), redis.call('HVALS', KEYS[4])}
