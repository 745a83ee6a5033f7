import type { Redis } from 'ioredis';
import { fingerprint } from '../codec/fingerprint.js';
import type { Family } from '../keyspace/family.js';

/**
 * What lies in Redis under one key, as bytes, in an order that does not depend on the server:
 * - `string`: one element
 * - `hash`: field, value, … sorted by field
 * - `list`: the items from left to right
 * - `zset`: member, score, … sorted by member; the score as JavaScript writes the number
 */
export type Stored = readonly Buffer[];
export type StoredType = 'string' | 'hash' | 'list' | 'zset';

/** @throws TypeError for a stream, which is appended to and never cached */
export function storedTypeOf(family: Family): StoredType {
  if (family.redisType === 'stream') throw new TypeError(`${family.id} is a stream: it is appended to, not cached`);
  return family.redisType;
}

/** Reads a key of a collection type. A key that does not exist reads as the empty collection, as everywhere in Redis. */
export async function readCollection(client: Redis, type: Exclude<StoredType, 'string'>, key: string): Promise<Stored> {
  if (type === 'hash') return sortPairs(flat(await client.hgetallBuffer(key)));
  if (type === 'list') return client.lrangeBuffer(key, 0, -1);
  const reply = await client.zrangeBuffer(key, 0, -1, 'WITHSCORES');
  return sortPairs(reply.map((item, at) => (at % 2 === 1 ? Buffer.from(String(Number(item.toString()))) : item)));
}

/** The arguments with which `store.lua` writes it. */
export function writeArguments(type: StoredType, stored: Stored): (string | Buffer)[] {
  if (type !== 'zset') return [type, ...stored];
  const pairs: Buffer[] = [];
  for (let at = 0; at < stored.length; at += 2) pairs.push(stored[at + 1] as Buffer, stored[at] as Buffer);
  return [type, ...pairs];
}

/** Puts field-value or member-score pairs into the canonical order. */
export function sortPairs(flatPairs: Stored): Stored {
  const pairs: [Buffer, Buffer][] = [];
  for (let at = 0; at < flatPairs.length; at += 2) pairs.push([flatPairs[at] as Buffer, flatPairs[at + 1] as Buffer]);
  return pairs.toSorted(([a], [b]) => Buffer.compare(a, b)).flat();
}

/** Tells two stored values apart: the length and a CRC of the bytes, each element with its length. */
export function fingerprintOf(type: StoredType, stored: Stored): string {
  if (type === 'string') return fingerprint(stored[0] as Buffer);
  const framed: Buffer[] = [];
  for (const item of stored) {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(item.length);
    framed.push(length, item);
  }
  return fingerprint(Buffer.concat(framed));
}

export function sizeOf(stored: Stored): number {
  let bytes = 0;
  for (const item of stored) bytes += item.length;
  return bytes;
}

/** A small slice of a large buffer would keep all of that buffer alive. */
export function withBytesOfItsOwn(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length + bytes.length / 4) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** ioredis gives HGETALL as an object whose keys are strings; a field that is no valid UTF-8 would not survive that. */
function flat(fields: Record<string, Buffer>): Buffer[] {
  return Object.entries(fields).flatMap(([field, value]) => [Buffer.from(field), value]);
}
