/** Role `ratelimit`: counters of requests, tokens and addresses, which in a cluster lie where their subject does. Never evicted. */
import { Type } from 'typebox';
import { Family } from '../family.js';
import { sortedSet } from '../values/collection-values.js';
import { bytes, number } from '../values/string-values.js';

/** The documented counter is a fixed window, so its TTL is the window and cannot be another. */
const exactly = (seconds: number) => ({ ttlSeconds: seconds, ttlRange: { min: seconds, max: seconds } });
/** Two buckets of the window must be alive at once. */
const atLeast = (seconds: number) => ({ ttlSeconds: seconds, ttlRange: { min: seconds, max: seconds * 10 } });

const count = number(Type.Integer({ minimum: 0 }));

export const ratelimitService = new Family({
  id: 'ratelimit.service',
  pattern: 'ratelimit:{service}:{user_id}:minute',
  role: 'ratelimit',
  slotBy: 'service',
  description: 'Calls of one user to an external service; without a user, those of everybody.',
  value: count,
  ...exactly(60),
});

export const ratelimitClient = new Family({
  id: 'ratelimit.client',
  pattern: 'ratelimit:{client}:{service}:minute:{yyyy-mm-dd-HH-MM}',
  role: 'ratelimit',
  slotBy: 'client',
  description: 'Calls of one client to a service (`mcp`: the MCP gateway). Two buckets make the sliding minute.',
  value: count,
  ...atLeast(120),
});

export const ratelimitMcp = new Family({
  id: 'ratelimit.mcp',
  pattern: 'ratelimit:mcp:{tool}:{client}:hour:{yyyy-mm-dd-HH}',
  role: 'ratelimit',
  slotBy: 'client',
  description: 'Calls of one client to an MCP tool. Two buckets make the sliding hour.',
  value: count,
  ...atLeast(7200),
});

export const ratelimitUserHour = new Family({
  id: 'ratelimit.user.hour',
  pattern: 'rate_limit:{user_id}:hour',
  role: 'ratelimit',
  slotBy: 'user_id',
  description: 'Requests of one user against the plan. The TTL is the length of its window.',
  value: count,
  ttlSeconds: 3600,
  ttlRange: { min: 60, max: 86_400 },
  ttlVariable: 'RATE_LIMIT_TTL',
});

export const ratelimitUserDay = new Family({
  id: 'ratelimit.user.day',
  pattern: 'rate_limit:{user_id}:day',
  role: 'ratelimit',
  slotBy: 'user_id',
  description: 'Requests of one user against the plan, by day.',
  value: count,
  ...exactly(86_400),
});

export const ratelimitIp = new Family({
  id: 'ratelimit.ip',
  pattern: 'ip_limit:{ip}:minute',
  role: 'ratelimit',
  slotBy: 'ip',
  description: 'Requests without a valid key from one address.',
  value: count,
  ...exactly(60),
});

export const ratelimitTokens = new Family({
  id: 'ratelimit.tokens',
  pattern: 'tokens:{user_id}:day',
  role: 'ratelimit',
  slotBy: 'user_id',
  description: 'Model tokens of one user, of the day.',
  value: count,
  ...exactly(86_400),
});

export const ratelimitAction = new Family({
  id: 'ratelimit.action',
  pattern: 'rate:{user_id}:{action}:{bucket}',
  role: 'ratelimit',
  slotBy: 'user_id',
  description:
    'One bucket of the sliding window over any action; it lives for the window and one second. Actions that begin with `@` are the platform’s own.',
  value: count,
  ttlSeconds: null,
  expiry: 'caller',
});

/** Ours. */
export const ratelimitStrict = new Family({
  id: 'ratelimit.strict',
  pattern: 'limit:{subject}:{rule}',
  role: 'ratelimit',
  slotBy: 'subject',
  description: 'State of a strict limit; it lives for its window.',
  value: bytes('state of the limiter'),
  ttlSeconds: null,
  expiry: 'caller',
});

/** Ours. */
export const ratelimitReceipt = new Family({
  id: 'ratelimit.receipt',
  pattern: 'limit_receipt:{subject}:{take}',
  role: 'ratelimit',
  slotBy: 'subject',
  description:
    'What one request has taken of the limits of one slot, so that it can be given back once, and only once.',
  value: bytes('costs and ends of windows'),
  ttlSeconds: null,
  expiry: 'caller',
});

/** Ours. */
export const ratelimitProcesses = new Family({
  id: 'ratelimit.processes',
  pattern: 'ratelimit:processes',
  role: 'ratelimit',
  description: 'Processes that share the limits; score: when each said so last, in milliseconds since the epoch.',
  value: sortedSet('id of a process'),
  ttlSeconds: null,
  expiry: 'caller',
});
