/**
 * How long a process goes on serving a value from its own memory after another process has replaced it in Redis: from
 * the moment when the writer has its reply. What is seen before the reply counts as 0.
 */
import { Cache, CacheAside, keyspace, RedisRoles } from '@promptsales/cache-core';
import { findRedis, startRedisServer } from '@promptsales/local-services';
import { Redis } from 'ioredis';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { quantiles } from '../quantiles.js';

const WRITES = 1000;
/** Of other keys that L1 is told of, while the lag is measured. */
const OTHER_WRITES_A_MILLISECOND = 5;

export async function l1LagBenchmark(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-bench-'));
  const localDirectory = join(import.meta.dirname, '../../../../.local');
  const redis = await startRedisServer(await findRedis({ localDirectory }), { directory, temporary: true });
  const roles = new RedisRoles({ url: redis.url, layout: 'databases' }).open();
  await Promise.all(roles.links().map((link) => link.untilUp(5000)));
  const cache = new Cache(roles, { l1: {} });
  const writer = fork(join(import.meta.dirname, 'lag-writer.js'), [redis.url]);
  try {
    const aside = new CacheAside(cache, roles);
    const rows: Record<string, object> = {};
    rows['nothing else written'] = quantiles(await lags(cache, aside, writer));
    const noise = writeOthers(redis.url);
    rows['5,000 other writes a second'] = quantiles(await lags(cache, aside, writer));
    noise.stop();
    console.table(rows);
  } finally {
    writer.disconnect();
    await once(writer, 'exit');
    cache.close();
    await roles.close();
    await redis.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function lags(cache: Cache, aside: CacheAside, writer: ChildProcess): Promise<number[]> {
  const found: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    const ref = keyspace.appValue.at({ key: `lag-${write % 50}` });
    while (aside.warm(ref)?.value !== 'old') {
      const { value } = await aside.getOrLoad(ref, async () => 'old');
      // What the last round wrote is foreign, and would stay.
      if (value !== 'old') await cache.invalidate({ ref });
    }
    const written = once(writer, 'message') as Promise<[string]>;
    writer.send(ref.key);
    while (aside.warm(ref) !== undefined) await turn();
    const seenAt = process.hrtime.bigint();
    const [writtenAt] = await written;
    found.push(Math.max(0, Number(seenAt - BigInt(writtenAt)) / 1e6));
  }
  return found;
}

function writeOthers(redisUrl: string): { stop(): void } {
  const redis = new Redis(redisUrl, { db: 5, enableAutoPipelining: true });
  let count = 0;
  const timer = setInterval(() => {
    for (let write = 0; write < OTHER_WRITES_A_MILLISECOND; write += 1) {
      count += 1;
      void redis.set(`app:noise-${count % 1000}`, count);
    }
  }, 1);
  return {
    stop: () => {
      clearInterval(timer);
      redis.disconnect();
    },
  };
}
