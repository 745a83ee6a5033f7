/**
 * Ten gigabytes through `/proxy/{service}/…` of one API process, down and up; a caller who goes away after one gigabyte, either
 * way; and one who reads no further for a while.
 *
 * What must hold: both ends have the same bytes; the process needs no more memory than for a short body; nothing of it is
 * stored; the service is hung up on at once when its caller has gone, and held back while he does not read.
 */
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { residentMegabytes, startStand, type Stand } from '@promptsales/stand';
import { until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { request } from 'undici';
import type { Verdict } from '../verdict.js';
import { BulkService } from './bulk-service.js';
import { numberedBytes, Sum } from './numbered-bytes.js';

const GIGABYTE = 1024 ** 3;
const MEGABYTE = 1024 ** 2;
const SAMPLE_MS = 50;
/** Left alone, Node lets a heap grow for as long as there is memory. One that needs more than this ends. */
const HEAP_MEGABYTES = 384;
/** With what lies outside the heap. */
const MOST_MEGABYTES = 512;
/** The kernel keeps up to 36 MB for each of the two connections where it is not told otherwise. */
const MOST_ON_THE_WAY = 96 * MEGABYTE;
/** Enough to see somebody stand still in the middle of it. */
const STALLED_BYTES = GIGABYTE;
const STALLED_MS = 3000;
const AT_ONCE_MS = 1000;

interface Transfer {
  readonly verdict: Verdict;
  readonly megabytes: number;
}

export async function proxyChaos(args: readonly string[]): Promise<boolean> {
  const gigabytes = gigabytesOf(args);
  const service = await new BulkService().start();
  const stand = await startStand({
    apis: 1,
    firstByteMs: 0,
    nodeOptions: [`--max-old-space-size=${HEAP_MEGABYTES}`],
  });
  try {
    await configured(stand, service);
    const verdicts = await throughProxy(stand, service, Math.round(gigabytes * GIGABYTE));
    for (const { what, holds } of verdicts) console.log(`  ${holds ? '✓' : '✗'} ${what}`);
    return verdicts.every(({ holds }) => holds);
  } finally {
    await stand.stop();
    await service.stop();
  }
}

function gigabytesOf(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { gigabytes: { type: 'string', default: '10' } } });
  const gigabytes = Number(values.gigabytes);
  if (!(gigabytes > 0)) throw new Error(`--gigabytes takes a number above 0, not ${values.gigabytes}`);
  return gigabytes;
}

async function throughProxy(stand: Stand, service: BulkService, bytes: number): Promise<Verdict[]> {
  const before = Math.round(residentMegabytes(pidOf(stand)));
  const down = await measured(stand, 'down', bytes, () => downloaded(stand, service, bytes));
  const up = await measured(stand, 'up', bytes, () => uploaded(stand, service, bytes));
  const most = Math.max(down.megabytes, up.megabytes);
  return [
    down.verdict,
    up.verdict,
    {
      what: `${most} MB of memory at most (down ${down.megabytes}, up ${up.megabytes}), ${before} before`,
      holds: most <= MOST_MEGABYTES,
    },
    await readerGone(stand, service, bytes),
    await senderGone(stand, service, bytes),
    await stalled(stand, service, Math.min(bytes, STALLED_BYTES)),
    await nothingStored(stand),
  ];
}

async function measured(
  stand: Stand,
  direction: string,
  bytes: number,
  transfer: () => Promise<Verdict>,
): Promise<Transfer> {
  let megabytes = 0;
  const sampling = setInterval(() => {
    megabytes = Math.max(megabytes, Math.round(residentMegabytes(pidOf(stand))));
  }, SAMPLE_MS);
  const began = performance.now();
  try {
    const verdict = await transfer();
    stand.checkAlive();
    const seconds = (performance.now() - began) / 1000;
    console.log(`  ${direction}: ${seconds.toFixed(1)} s, ${Math.round(bytes / MEGABYTE / seconds)} MB/s`);
    return { verdict, megabytes };
  } finally {
    clearInterval(sampling);
  }
}

async function downloaded(stand: Stand, service: BulkService, bytes: number): Promise<Verdict> {
  const { body } = await get(stand, bytes);
  const got = new Sum();
  for await (const chunk of body) got.add(chunk as Buffer);
  const { sum } = service.last;
  return {
    what: `down: sent ${sum.text}, received ${got.text}`,
    holds: got.bytes === bytes && got.text === sum.text,
  };
}

async function uploaded(stand: Stand, service: BulkService, bytes: number): Promise<Verdict> {
  const sent = new Sum();
  const { body } = await put(stand, counted(bytes, sent));
  const said = await body.text();
  const { sum } = service.last;
  return {
    what: `up: sent ${sent.text}, received ${sum.text}`,
    holds: sent.bytes === bytes && said === sent.text && sum.text === sent.text,
  };
}

async function readerGone(stand: Stand, service: BulkService, bytes: number): Promise<Verdict> {
  const { body } = await get(stand, bytes);
  body.on('error', () => undefined);
  let read = 0;
  for await (const chunk of body) {
    read += (chunk as Buffer).length;
    if (read >= GIGABYTE || read >= bytes / 2) break;
  }
  return hungUp('a reader', read, service);
}

async function senderGone(stand: Stand, service: BulkService, bytes: number): Promise<Verdict> {
  const sent = new Sum();
  const leaving = new AbortController();
  const enough = Math.min(GIGABYTE, bytes / 2);
  function* part(): Generator<Buffer> {
    for (const chunk of counted(bytes, sent)) {
      if (sent.bytes >= enough) leaving.abort();
      yield chunk;
    }
  }
  await put(stand, part(), leaving.signal).then(
    () => {
      throw new Error('The upload that was to be broken off came to its end.');
    },
    (error: Error) => {
      if (!leaving.signal.aborted) throw error;
    },
  );
  return hungUp('a sender', sent.bytes, service);
}

async function hungUp(who: string, bytes: number, service: BulkService): Promise<Verdict> {
  const left = performance.now();
  const { last } = service;
  await until(() => last.endedAtMs !== null);
  const afterMs = Math.max(0, Math.round((last.endedAtMs ?? 0) - left));
  return {
    what: `${who} who left after ${Math.round(bytes / MEGABYTE)} MB: the service's connection ended ${afterMs} ms later`,
    holds: afterMs <= AT_ONCE_MS,
  };
}

async function stalled(stand: Stand, service: BulkService, bytes: number): Promise<Verdict> {
  const { body } = await get(stand, bytes);
  const got = new Sum();
  let ahead = 0;
  let megabytes = 0;
  for await (const chunk of body) {
    const before = got.bytes;
    got.add(chunk as Buffer);
    const half = bytes / 2;
    if (before >= half || got.bytes < half) continue;
    await pause(STALLED_MS);
    ahead = service.last.sum.bytes - got.bytes;
    megabytes = Math.round(residentMegabytes(pidOf(stand)));
  }
  return {
    what:
      `a reader who stood still for ${STALLED_MS / 1000} s: the service was ${Math.round(ahead / MEGABYTE)} MB ahead of him, ` +
      `the process had ${megabytes} MB; received ${got.text}`,
    holds: ahead <= MOST_ON_THE_WAY && megabytes <= MOST_MEGABYTES && got.text === service.last.sum.text,
  };
}

async function nothingStored({ redis }: Stand): Promise<Verdict> {
  const client = new Redis(redis.url);
  const keys = await client.keys('*api:call:*');
  const memory = Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
  client.disconnect();
  return {
    what: `${keys.length} keys of calls in Redis, which holds ${Math.round(memory / MEGABYTE)} MB`,
    holds: keys.length === 0 && memory < MOST_ON_THE_WAY,
  };
}

async function configured(stand: Stand, { url }: BulkService): Promise<void> {
  const { statusCode, body } = await request(`${addressOf(stand)}/v1/services/bulk`, {
    method: 'PUT',
    headers: { ...keyOf(stand), 'content-type': 'application/json' },
    body: JSON.stringify({ base_url: url }),
  });
  const said = await body.text();
  if (statusCode !== 201) throw new Error(`The service could not be stored: ${statusCode} ${said}`);
}

async function get(stand: Stand, bytes: number) {
  const answer = await request(`${addressOf(stand)}/proxy/bulk/${bytes}`, { headers: keyOf(stand), bodyTimeout: 0 });
  if (answer.statusCode !== 200) throw new Error(`The proxy answered ${answer.statusCode}`);
  return answer;
}

function put(stand: Stand, bytes: Iterable<Buffer>, signal?: AbortSignal) {
  return request(`${addressOf(stand)}/proxy/bulk/place`, {
    method: 'PUT',
    headers: keyOf(stand),
    body: Readable.from(bytes),
    headersTimeout: 0,
    ...(signal === undefined ? {} : { signal }),
  });
}

function* counted(bytes: number, sum: Sum): Generator<Buffer> {
  for (const chunk of numberedBytes(bytes)) {
    sum.add(chunk);
    yield chunk;
  }
}

function keyOf({ adminKey }: Stand): Record<string, string> {
  return { authorization: `Bearer ${adminKey}` };
}

function addressOf({ apis: [api] }: Stand): string {
  return String(api?.address);
}

function pidOf({ apis: [api] }: Stand): number {
  return Number(api?.pid);
}
