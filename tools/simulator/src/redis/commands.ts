/**
 * The commands that the protocol uses, on a simulated dataset. Only what is needed, but that as Redis does it: a test
 * compares every answer with a real server's.
 */
import type { Bytes, Dataset, Held, Value } from './dataset.js';
import { Failure, OK, Status, type Reply } from './reply.js';

export interface CommandContext {
  readonly data: Dataset;
  /** Milliseconds since the epoch by the server's clock. */
  readonly now: number;
  publish(channel: Bytes, message: Buffer): number;
}

interface Command {
  /** Refused when the server is out of memory. */
  readonly denyOom?: true;
  readonly write?: true;
  run(args: readonly Buffer[], context: CommandContext): Reply;
}

const WRONG_TYPE = new Failure('WRONGTYPE Operation against a key holding the wrong kind of value');
const SYNTAX = new Failure('ERR syntax error');
const NOT_AN_INTEGER = new Failure('ERR value is not an integer or out of range');

export function bytesOf(argument: Buffer | undefined): Bytes {
  return (argument ?? Buffer.alloc(0)).toString('latin1');
}

const COMMANDS: Readonly<Record<string, Command>> = {
  PING: { run: () => new Status('PONG') },
  TIME: {
    run: (_args, { now }) => [
      Buffer.from(String(Math.floor(now / 1000))),
      Buffer.from(String(Math.floor((now % 1000) * 1000))),
    ],
  },
  GET: {
    run: ([key], { data }) => {
      const held = data.get(bytesOf(key));
      if (held === undefined) return null;
      return held.value.type === 'string' ? held.value.bytes : WRONG_TYPE;
    },
  },
  MGET: {
    run: (keys, { data }) =>
      keys.map((key) => {
        const held = data.get(bytesOf(key));
        return held?.value.type === 'string' ? held.value.bytes : null;
      }),
  },
  SET: { denyOom: true, write: true, run: setString },
  INCR: { denyOom: true, write: true, run: ([key], context) => increase(key, 1, context) },
  EXISTS: { run: (keys, { data }) => count(keys, (key) => data.get(key) !== undefined) },
  DEL: { write: true, run: (keys, { data }) => count(keys, (key) => data.delete(key)) },
  UNLINK: { write: true, run: (keys, { data }) => count(keys, (key) => data.delete(key)) },
  PEXPIRE: { write: true, run: expireIn },
  PTTL: {
    run: ([key], { data, now }) => {
      const held = data.get(bytesOf(key));
      if (held === undefined) return -2;
      return held.expiresAt === null ? -1 : Math.max(0, Math.floor(held.expiresAt - Math.floor(now)));
    },
  },
  TYPE: { run: ([key], { data }) => new Status(data.get(bytesOf(key))?.value.type ?? 'none') },
  HSET: { denyOom: true, write: true, run: setFields },
  HGET: {
    run: ([key, field], { data }) => {
      const held = data.get(bytesOf(key));
      if (held === undefined) return null;
      if (held.value.type !== 'hash') return WRONG_TYPE;
      return held.value.fields.get(bytesOf(field)) ?? null;
    },
  },
  HGETALL: {
    run: ([key], { data }) => {
      const held = data.get(bytesOf(key));
      if (held === undefined) return [];
      if (held.value.type !== 'hash') return WRONG_TYPE;
      return [...held.value.fields].flatMap(([field, bytes]) => [Buffer.from(field, 'latin1'), bytes]);
    },
  },
  RPUSH: { denyOom: true, write: true, run: append },
  LRANGE: {
    run: ([key, from, to], { data }) => {
      const held = data.get(bytesOf(key));
      if (held === undefined) return [];
      if (held.value.type !== 'list') return WRONG_TYPE;
      const last = Number(to);
      return held.value.items.slice(Number(from), last === -1 ? undefined : last + 1);
    },
  },
  ZADD: { denyOom: true, write: true, run: addMembers },
  ZRANGE: {
    run: ([key], { data }) => {
      const held = data.get(bytesOf(key));
      if (held === undefined) return [];
      if (held.value.type !== 'zset') return WRONG_TYPE;
      return [...held.value.scores]
        .toSorted(([a, scoreA], [b, scoreB]) => scoreA - scoreB || (a < b ? -1 : 1))
        .flatMap(([member, score]) => [Buffer.from(member, 'latin1'), Buffer.from(String(score))]);
    },
  },
  SCAN: { run: scan },
  PUBLISH: { run: ([channel, message], context) => context.publish(bytesOf(channel), message ?? Buffer.alloc(0)) },
};

export function findCommand(name: string): Command | undefined {
  return COMMANDS[name];
}

function count(keys: readonly Buffer[], holds: (key: Bytes) => boolean): number {
  let holding = 0;
  for (const key of keys) if (holds(bytesOf(key))) holding += 1;
  return holding;
}

function setString(args: readonly Buffer[], { data, now }: CommandContext): Reply {
  const [key, bytes, ...options] = args;
  if (key === undefined || bytes === undefined) return new Failure("ERR wrong number of arguments for 'set' command");
  let expiresAt: number | null = null;
  let [onlyNew, onlyOld, wantsOld, keepsTtl] = [false, false, false, false];
  for (let at = 0; at < options.length; at += 1) {
    const option = String(options[at]).toUpperCase();
    if (option === 'NX') onlyNew = true;
    else if (option === 'XX') onlyOld = true;
    else if (option === 'GET') wantsOld = true;
    else if (option === 'KEEPTTL') keepsTtl = true;
    else if (option === 'PX' || option === 'EX' || option === 'PXAT') {
      const number = Number(String(options[++at]));
      if (!Number.isInteger(number)) return NOT_AN_INTEGER;
      if (number <= 0) return new Failure("ERR invalid expire time in 'set' command");
      expiresAt = option === 'PXAT' ? number : Math.floor(now) + number * (option === 'EX' ? 1000 : 1);
    } else return SYNTAX;
  }
  const held = data.get(bytesOf(key));
  if (wantsOld && held !== undefined && held.value.type !== 'string') return WRONG_TYPE;
  const old = held?.value.type === 'string' ? held.value.bytes : null;
  if ((onlyNew && held !== undefined) || (onlyOld && held === undefined)) return wantsOld ? old : null;
  data.set(bytesOf(key), {
    value: { type: 'string', bytes },
    expiresAt: keepsTtl ? (held?.expiresAt ?? null) : expiresAt,
  });
  return wantsOld ? old : OK;
}

function increase(key: Buffer | undefined, by: number, { data }: CommandContext): Reply {
  const held = data.get(bytesOf(key));
  if (held !== undefined && held.value.type !== 'string') return WRONG_TYPE;
  const before = held?.value.type === 'string' ? Number(held.value.bytes.toString()) : 0;
  if (!Number.isSafeInteger(before)) return NOT_AN_INTEGER;
  const value: Value = { type: 'string', bytes: Buffer.from(String(before + by)) };
  data.set(bytesOf(key), { value, expiresAt: held?.expiresAt ?? null });
  return before + by;
}

function expireIn([key, ms]: readonly Buffer[], { data, now }: CommandContext): Reply {
  const number = Number(String(ms));
  if (!Number.isInteger(number)) return NOT_AN_INTEGER;
  const held = data.get(bytesOf(key));
  if (held === undefined) return 0;
  if (number <= 0) data.delete(bytesOf(key));
  else data.set(bytesOf(key), { value: held.value, expiresAt: Math.floor(now) + number });
  return 1;
}

function setFields([key, ...pairs]: readonly Buffer[], { data }: CommandContext): Reply {
  return change(data, key, 'hash', (held) => {
    const fields = new Map(held?.value.type === 'hash' ? held.value.fields : []);
    const before = fields.size;
    for (let at = 0; at + 1 < pairs.length; at += 2) fields.set(bytesOf(pairs[at]), pairs[at + 1] as Buffer);
    return [{ type: 'hash', fields }, fields.size - before];
  });
}

function append([key, ...added]: readonly Buffer[], { data }: CommandContext): Reply {
  return change(data, key, 'list', (held) => {
    const items = [...(held?.value.type === 'list' ? held.value.items : []), ...added];
    return [{ type: 'list', items }, items.length];
  });
}

function addMembers([key, ...pairs]: readonly Buffer[], { data }: CommandContext): Reply {
  return change(data, key, 'zset', (held) => {
    const scores = new Map(held?.value.type === 'zset' ? held.value.scores : []);
    const before = scores.size;
    for (let at = 0; at + 1 < pairs.length; at += 2) scores.set(bytesOf(pairs[at + 1]), Number(String(pairs[at])));
    return [{ type: 'zset', scores }, scores.size - before];
  });
}

function change(
  data: Dataset,
  key: Buffer | undefined,
  type: Value['type'],
  how: (held: Held | undefined) => [Value, number],
): Reply {
  const held = data.get(bytesOf(key));
  if (held !== undefined && held.value.type !== type) return WRONG_TYPE;
  const [value, reply] = how(held);
  data.set(bytesOf(key), { value, expiresAt: held?.expiresAt ?? null });
  return reply;
}

/** The cursor is the number of keys already looked at, in sorted order: enough for a dataset that is small. */
function scan([cursor, ...options]: readonly Buffer[], { data }: CommandContext): Reply {
  let glob = '*';
  let step = 10;
  for (let at = 0; at + 1 < options.length; at += 2) {
    const option = String(options[at]).toUpperCase();
    if (option === 'MATCH') glob = bytesOf(options[at + 1]);
    else if (option === 'COUNT') step = Number(String(options[at + 1]));
  }
  const from = Number(String(cursor));
  const keys = data.keys().toSorted();
  const seen = keys.slice(from, from + step);
  const next = from + step >= keys.length ? 0 : from + step;
  const matches = globTest(glob);
  return [Buffer.from(String(next)), seen.filter(matches).map((key) => Buffer.from(key, 'latin1'))];
}

/** Redis's globs, as far as they are used: `*`, `?` and escapes. */
function globTest(glob: string): (key: Bytes) => boolean {
  let source = '';
  for (let at = 0; at < glob.length; at += 1) {
    const sign = glob[at] as string;
    if (sign === '*') source += '.*';
    else if (sign === '?') source += '.';
    else source += escaped(sign === '\\' ? (glob[++at] ?? '\\') : sign);
  }
  const pattern = new RegExp(`^${source}$`, 's');
  return (key) => pattern.test(key);
}

function escaped(sign: string): string {
  return sign.replace(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}
