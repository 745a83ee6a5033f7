/** L1 while processes are stopped, connections are cut, and Redis is frozen or restarted. */
import { type TestRedis, until } from '@promptsales/test-kit';
import type { Redis } from 'ioredis';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { app, BOUND_MS, gone, trusted, warm, warmUp, L1Stage } from './l1-stage.js';

describe('L1 through outages', () => {
  let stage: L1Stage;
  let redis: TestRedis;
  let raw: Redis;
  const start: L1Stage['process'] = (...settings) => stage.process(...settings);

  beforeAll(async () => {
    stage = await L1Stage.start();
    ({ redis, raw } = stage);
  });
  afterAll(() => stage.stop());
  afterEach(() => stage.clear());

  test('a stopped process serves nothing from memory when it wakes up, not even before its timers run', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'l1-main.mjs'), redis.url, 'k'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const seen: { at: number; value: string }[] = [];
      createInterface(child.stdout).on('line', (line) => {
        const [at, value] = line.split(' ') as [string, string];
        seen.push({ at: Number(at), value });
      });
      for (;;) {
        await until(() => seen.at(-1)?.value === 'loaded');
        child.kill('SIGSTOP');
        await pause(50);
        // It was stopped while it served from memory.
        if (seen.at(-1)?.value === 'loaded') break;
        child.kill('SIGCONT');
      }
      seen.splice(0, seen.length - 1);
      await raw.set('app:k', '"newer"');
      const writtenAt = Date.now();
      await pause(1500);
      child.stdin.write('wake up\n');
      child.kill('SIGCONT');
      await until(() => seen.length > 1);
      const late = seen.filter(({ at, value }) => at > writtenAt + 1000 && value === 'loaded');
      expect(late).toEqual([]);
      // It noticed: the first look after the stop found nothing that it may serve.
      expect(seen.find(({ at }) => at > writtenAt + 1000)?.value).toBe('-');
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('a killed tracking connection empties L1, and it comes back by itself', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    await raw.client('KILL', 'TYPE', 'PUBSUB');
    // One connection for each database with entries in memory.
    await until(() => a.emptied.length === before + 2);
    expect(a.emptied.slice(before)).toEqual(['connection_lost', 'connection_lost']);
    expect(warm(a, 'k')).toBeUndefined();
    await until(() => trusted(a));
    await warmUp(a, 'k', 1);
    await raw.set('app:k', '2');
    await gone(a, 'k');
  });

  test('a process that does not keep up is cut off by Redis and empties L1', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = (await raw.config('GET', 'client-output-buffer-limit')) as string[];
    await raw.config('SET', 'client-output-buffer-limit', 'pubsub 16kb 16kb 1');
    try {
      await raw.eval("for n = 1, 20000 do redis.call('SET', 'app:' .. string.rep('x', 200) .. n, n) end", 0);
      await until(() => a.emptied.includes('connection_lost'));
      expect(warm(a, 'k')).toBeUndefined();
    } finally {
      await raw.config('SET', 'client-output-buffer-limit', before[1] as string);
    }
  });

  test('a frozen Redis: what is in memory is served up to the bound and not longer, and again once it thaws', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    redis.freeze();
    const frozenAt = performance.now();
    try {
      while (performance.now() < frozenAt + BOUND_MS + 20) {
        const at = performance.now();
        if (warm(a, 'k') !== undefined) expect(at - frozenAt).toBeLessThanOrEqual(BOUND_MS);
        await pause(5);
      }
      expect(warm(a, 'k')).toBeUndefined();
      expect(await a.aside.getOrLoad(app('k'), async () => 'origin')).toMatchObject({ value: 'origin' });
    } finally {
      redis.thaw();
    }
    await until(() => trusted(a));
    await warmUp(a, 'k', 1);
  });

  test('a server that was restarted is another one: L1 begins anew', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    await redis.kill();
    await until(() => warm(a, 'k') === undefined);
    await redis.restart();
    await until(() => trusted(a));
    expect(warm(a, 'k')).toBeUndefined();
    await warmUp(a, 'k', 1);
  });
});
