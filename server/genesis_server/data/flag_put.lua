-- Writes one flag when it has the version its writer expects, counts the write, and tells everybody.
-- KEYS: the hash of flags; the counter of writes.
-- ARGV: the flag's key; its value, JSON; the version it gets; the newest version its writer knows of; the channel.
-- Returns {1, version} when it is written, {0, the version it has} when that is not the one before.
local there = redis.call('HGET', KEYS[1], ARGV[1])
-- The same value again is the second try of a writer that got no answer to the first.
if there == ARGV[2] then return {1, ARGV[3]} end

-- What is lost, restored from a backup or not understood has the version its writer knows: versions never go back.
local actual = tonumber(ARGV[4])
local understood, value = pcall(cjson.decode, there or '')
if understood and type(value) == 'table' and type(value.version) == 'number' and value.version > actual then
  actual = value.version
end
if actual ~= tonumber(ARGV[3]) - 1 then return {0, string.format('%d', actual)} end

-- A counter that was wiped begins beyond all it ever was.
redis.call('SET', KEYS[2], redis.call('TIME')[1] .. '000', 'NX')
redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
-- Who misses this, or may not be told, looks at the counter.
redis.pcall('PUBLISH', ARGV[5], redis.call('GET', KEYS[2]) .. ' ' .. redis.call('HLEN', KEYS[1]) .. ' ' .. ARGV[1] .. '\n' .. ARGV[2])
return {1, ARGV[3]}
