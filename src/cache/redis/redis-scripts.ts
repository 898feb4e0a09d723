import { createHash } from 'node:crypto';

/** A step that Redis takes as a whole, known to it by its hash after the first time. */
export interface Script {
  readonly text: string;
  readonly hash: string;
}

/** All of them. */
export const SCRIPTS: Script[] = [];

function script(text: string): Script {
  const made = { text, hash: createHash('sha1').update(text).digest('hex') };
  SCRIPTS.push(made);
  return made;
}

/** KEYS tag or namespace; ARGV a version, milliseconds to live. Keeps the version that is there. */
export const VERSION_OF = script(`
local known = redis.call('GET', KEYS[1])
if known then return known end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`);

/**
 * KEYS namespace; ARGV when it was raised last before the outage, now in milliseconds, the server, 'always', milliseconds
 * to live. Raises the version unless it was raised on this server and, without 'always', after the outage.
 */
export const RAISE_NAMESPACE = script(`
local current = redis.call('GET', KEYS[1])
local before = tonumber(ARGV[1])
local raised, server = string.match(current or '', '^(%d+)@(.*)$')
raised = tonumber(raised) or 0
if server == ARGV[3] and raised > before and ARGV[4] ~= 'always' then return current end
local version = string.format('%.0f', math.max(tonumber(ARGV[2]), before + 1, raised + 1)) .. '@' .. ARGV[3]
redis.call('SET', KEYS[1], version, 'PX', ARGV[5])
return version`);

/** KEYS tag; ARGV a version, milliseconds to live at least. Lets a tag that still has the version live so long. */
export const LENGTHEN = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

/** KEYS lease, value; ARGV token, versions the load begins with, milliseconds. Another load of the same versions keeps it. */
export const ACQUIRE = script(`
local held = redis.call('GET', KEYS[1])
local mine = ARGV[1] .. ' ' .. ARGV[2]
local kept = redis.call('GET', KEYS[2])
if held and held ~= mine and string.sub(held, string.find(held, ' ', 1, true) + 1) == ARGV[2] then return {0, kept} end
redis.call('SET', KEYS[1], mine, 'PX', ARGV[3])
return {1, kept}`);

/** KEYS lease; ARGV token and versions, milliseconds. */
export const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

/** KEYS lease; ARGV token and versions. */
export const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/**
 * KEYS lease, value; ARGV token and versions, the answer, milliseconds, the beginning of what was kept when the lease was
 * acquired. Fills only for whom the lease still is, and never over what somebody has set since.
 */
export const FILL = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local kept = redis.call('GETRANGE', KEYS[2], 0, #ARGV[4] - 1)
if ARGV[4] == '' then kept = redis.call('GETRANGE', KEYS[2], 0, 0) end
if kept ~= '' and kept ~= ARGV[4] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[1])
return 1`);

/** KEYS counter; ARGV step, milliseconds or 0 for no end. @returns the count and the milliseconds it has left */
export const INCREMENT = script(`
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 and ARGV[2] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return {count, left}`);

/**
 * A tag on hold is 'held:' and the holders with the millisecond at which each one's hold ends. Whoever died does not
 * keep it on hold while others come and go.
 */
const HOLDERS = `
local function holders(text, now, without)
  local left = {}
  if text and string.sub(text, 1, 5) == 'held:' then
    for holder, ends in string.gmatch(string.sub(text, 6), '([^@,]+)@(%d+)') do
      if holder ~= without and tonumber(ends) > now then left[#left + 1] = holder .. '@' .. ends end
    end
  end
  return left
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS tag; ARGV holder, milliseconds. Where Redis is full the tag is dropped, which needs no room. */
export const HOLD = script(`${HOLDERS}
local held = holders(redis.call('GET', KEYS[1]), now, ARGV[1])
held[#held + 1] = ARGV[1] .. '@' .. string.format('%.0f', now + tonumber(ARGV[2]))
local done = redis.pcall('SET', KEYS[1], 'held:' .. table.concat(held, ','), 'PX', ARGV[2])
if type(done) == 'table' and done.err then redis.call('DEL', KEYS[1]) return 0 end
return 1`);

/**
 * KEYS tag; ARGV holder, version, milliseconds to live. Gives the tag a new version, and leaves what others hold to them.
 * Where Redis is full the tag is dropped: it gets a version when there is room, and until then nothing is kept under it.
 */
export const RENEW_TAG = script(`${HOLDERS}
local held = holders(redis.call('GET', KEYS[1]), now, ARGV[1])
local done
if #held > 0 then
  done = redis.pcall('SET', KEYS[1], 'held:' .. table.concat(held, ','), 'KEEPTTL')
else
  done = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
if type(done) == 'table' and done.err then redis.call('DEL', KEYS[1]) return 0 end
return 1`);
