import fc from 'fast-check';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { keyspace, LockHeldError, LockLostError, LockUnavailableError, RedisUnavailableError } from '../src/index.js';
import { frozen, lockProcess, numbers, type LockProcess } from './lock-process.js';
import type { OneServer } from './redis-place.js';
import { onOneServer } from './stage.js';

onOneServer('locks on Redis', lockProcess, (stage) => {
  const ref = keyspace.lockNamed.at({ name: 'report' });
  let redis: OneServer;
  let raw: OneServer['raw'];
  let a: LockProcess;
  let b: LockProcess;

  /** Both notice soon when Redis is frozen. */
  const hurry = async (): Promise<void> => {
    await Promise.all([a, b].map(stage.stop));
    [a, b] = await Promise.all([stage.start({ commandTimeoutMs: 500 }), stage.start({ commandTimeoutMs: 500 })]);
  };
  const lost = (signal: AbortSignal): Promise<unknown> => once(signal, 'abort').then(() => signal.reason as unknown);

  beforeEach(() => {
    numbers.reset();
    ({ redis, raw, a, b } = stage);
  });

  test('the key holds the owner’s id and nothing else, for its time; release removes it', async () => {
    const campaign = keyspace.lockContentGeneration.at({ campana_id: '42' });
    const lock = await a.locks.acquire(campaign);
    expect(await raw.get('lock:content_generation:42')).toBe(lock.owner);
    const left = await raw.pttl('lock:content_generation:42');
    expect(left).toBeGreaterThan(10_000);
    expect(left).toBeLessThanOrEqual(30_000);
    expect(await raw.dbsize()).toBe(1);
    expect(await lock.release()).toBe('released');
    expect(await raw.dbsize()).toBe(0);
    expect(a.events).toEqual(['taken', 'released']);
  });

  test('who does not get it is told so, and when to try again', async () => {
    await a.locks.acquire(ref, { ttlMs: 60_000 });
    const refused = await b.locks.acquire(ref).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LockHeldError);
    expect((refused as LockHeldError).retryAfterMs).toBeGreaterThan(30_000);
    expect((refused as LockHeldError).retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test.each([500, 1000.5, 3_600_001])('a time to live of %d ms is refused', async (ttlMs) => {
    await expect(a.locks.acquire(ref, { ttlMs })).rejects.toBeInstanceOf(RangeError);
  });

  test('tenants do not meet', async () => {
    await a.locks.acquire(ref);
    const theirs = await b.locks.acquire(keyspace.lockNamed.at({ name: 'report' }, 'acme'));
    expect(await raw.get('tenant:acme:lock:report')).toBe(theirs.owner);
  });

  test('nobody but its owner releases or prolongs it', async () => {
    const lock = await a.locks.acquire(ref);
    expect(await b.locks.release(ref, 'somebody')).toBe('other');
    expect(await b.locks.extend(ref, 'somebody')).toEqual({ kind: 'other' });
    expect(await raw.get(ref.key)).toBe(lock.owner);
    expect(await b.locks.extend(ref, lock.owner, 600_000)).toMatchObject({ kind: 'held', token: null });
    expect(await raw.pttl(ref.key)).toBeGreaterThan(500_000);
    expect(await b.locks.release(ref, lock.owner)).toBe('released');
    expect(await b.locks.release(ref, lock.owner)).toBe('none');
    expect(await b.locks.extend(ref, lock.owner)).toEqual({ kind: 'none' });
  });

  test('trap 10: another type at the key is somebody else’s lock', async () => {
    await raw.lpush(ref.key, 'x');
    await expect(a.locks.acquire(ref)).rejects.toMatchObject({ code: 'lock_held', retryAfterMs: null });
    expect(await a.locks.release(ref, 'x')).toBe('other');
    expect(await a.locks.extend(ref, 'x')).toEqual({ kind: 'other' });
    expect(await raw.type(ref.key)).toBe('list');
  });

  test('who waits is woken by the release', async () => {
    const lock = await a.locks.acquire(ref, { ttlMs: 60_000 });
    // Nobody looks at a pace of his own within the time of this test.
    const random = jest.spyOn(Math, 'random').mockReturnValue(1e9);
    const looks = jest.spyOn(b.roles.link('state'), 'run');
    const waiting = b.locks.acquire(ref, { waitMs: 60_000 });
    // Once before the ring is listened for, once after.
    while (looks.mock.results.length < 2) await new Promise(setImmediate);
    expect(await looks.mock.results[1]?.value).toMatchObject(['held', expect.any(Number)]);
    await lock.release();
    expect((await waiting).held).toBe(true);
    random.mockRestore();
  });

  test('who waits gets a lock that expired without anybody saying so', async () => {
    await a.locks.acquire(ref, { ttlMs: 1000, renew: false });
    expect((await b.locks.acquire(ref, { waitMs: 60_000 })).held).toBe(true);
  });

  test('waiting ends with its deadline or its signal', async () => {
    await a.locks.acquire(ref, { ttlMs: 60_000 });
    await expect(b.locks.acquire(ref, { waitMs: 120 })).rejects.toBeInstanceOf(LockHeldError);
    const leaving = new AbortController();
    const waiting = b.locks.acquire(ref, { waitMs: 60_000, signal: leaving.signal });
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
  });

  test('it is prolonged for as long as work goes on', async () => {
    const result = await a.locks.hold(
      ref,
      async (lock) => {
        const end = lock.expiresAt.getTime() + 500;
        while (lock.expiresAt.getTime() <= end) {
          lock.assertHeld();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        expect(await raw.get(ref.key)).toBe(lock.owner);
        return 'done';
      },
      // It is prolonged after a third of that.
      { ttlMs: 9000 },
    );
    expect(result).toBe('done');
    expect(await raw.exists(ref.key)).toBe(0);
  });

  test('a lock that was taken away is signalled, and what was done under it is not passed off as done alone', async () => {
    const holding = a.locks.hold(
      ref,
      async (lock) => {
        await raw.set(ref.key, 'usurper');
        expect(await lost(lock.signal)).toMatchObject({ code: 'lock_lost', how: 'taken' });
        expect(lock.held).toBe(false);
        return 'done';
      },
      { ttlMs: 9000 },
    );
    await expect(holding).rejects.toBeInstanceOf(LockLostError);
    expect(await raw.get(ref.key)).toBe('usurper');
    expect(a.events).toEqual(['taken', 'lost']);
  });

  test('a lock that cannot be prolonged is given up before Redis gives it to others', async () => {
    await hurry();
    const lock = await a.locks.acquire(ref, { ttlMs: 3000 });
    const ice = frozen(redis, [a, b]);
    expect(await lost(lock.signal)).toMatchObject({ how: 'expired' });
    await ice.given;
    await ice.thaw();
    expect(() => lock.assertHeld()).toThrow(LockLostError);
    expect(a.events).toContain('unconfirmed');
  });

  test('trap 9: an attempt that timed out takes no lock when the server thaws', async () => {
    await hurry();
    const ice = frozen(redis, [a, b]);
    await expect(a.locks.acquire(ref)).rejects.toBeInstanceOf(LockUnavailableError);
    await ice.given;
    await ice.thaw();
    expect(await raw.exists(ref.key)).toBe(0);
    expect((await b.locks.acquire(ref)).held).toBe(true);
  });

  test('a lock of which it is unknown whether it was taken is taken back', async () => {
    // The script runs; its reply is never read.
    const link = a.roles.link('state');
    const run = link.run.bind(link);
    let interrupted = false;
    link.run = async (script, keys, args) => {
      const reply = await run(script, keys, args);
      if (interrupted) return reply;
      interrupted = true;
      throw new RedisUnavailableError('timeout', link.name);
    };
    await expect(a.locks.acquire(ref, { ttlMs: 60_000 })).rejects.toBeInstanceOf(LockUnavailableError);
    expect((await b.locks.acquire(ref, { waitMs: 50_000 })).held).toBe(true);
  });

  test('a lock of unknown fate under a caller’s own id is not taken from whoever uses the id now', async () => {
    await hurry();
    const ice = frozen(redis, [a, b]);
    await expect(a.locks.acquire(ref, { owner: 'cron' })).rejects.toBeInstanceOf(LockUnavailableError);
    await ice.given;
    await ice.thaw();
    await b.locks.acquire(ref, { owner: 'cron' });
    // As long as a lock that was to be taken back would be tried for.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await raw.get(ref.key)).toBe('cron');
  });

  test('without Redis nothing is held and nobody waits', async () => {
    await hurry();
    const ice = frozen(redis, [a, b]);
    await ice.given;
    await expect(a.locks.acquire(ref, { waitMs: 60_000 })).rejects.toMatchObject({ code: 'lock_unavailable' });
    await ice.thaw();
  });

  describe('with a fencing number', () => {
    test('each holder’s is greater than all before, and stands beside the lock', async () => {
      const seen: number[] = [];
      for (const { locks } of [a, b, a]) {
        await locks.hold(ref, async ({ token }) => void seen.push(token ?? Number.NaN), { fenced: true });
      }
      expect(seen).toEqual([1, 2, 3]);
      const lock = await a.locks.acquire(ref, { fenced: true });
      expect(await b.locks.extend(ref, lock.owner)).toMatchObject({ kind: 'held', token: 4 });
      await lock.release();
      expect(await raw.dbsize()).toBe(0);
    });

    test('a number does not outlive the lock that it was drawn for', async () => {
      await a.locks.acquire(ref, { fenced: true });
      await raw.del(ref.key);
      const lock = await b.locks.acquire(ref);
      expect(await b.locks.extend(ref, lock.owner)).toMatchObject({ kind: 'held', token: null });
    });

    test('who lost the lock while drawing does not work under a number greater than its successor’s', async () => {
      let overtaken = false;
      numbers.before = async () => {
        if (overtaken) return;
        overtaken = true;
        await raw.del(ref.key);
        await b.locks.acquire(ref, { fenced: true });
      };
      await expect(a.locks.acquire(ref, { fenced: true })).rejects.toBeInstanceOf(LockHeldError);
      expect(numbers.drawn).toBe(2);
    });

    test('a source that has none gives the lock back', async () => {
      numbers.before = () => Promise.reject(new Error('no database'));
      await expect(a.locks.acquire(ref, { fenced: true, owner: 'cron' })).rejects.toThrow('no database');
      expect(await raw.exists(ref.key)).toBe(0);
    });
  });

  describe('a holder that is stopped', () => {
    let holder: ChildProcess;

    afterEach(() => void holder.kill('SIGKILL'));

    test('trap 26: loses the lock, is told when it goes on, and harms nobody', async () => {
      holder = spawn(
        process.execPath,
        [
          '--experimental-transform-types',
          '--no-warnings',
          join(__dirname, 'lock-holder.mjs'),
          redis.url,
          'report',
          '4000',
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const lines = createInterface({ input: holder.stdout! })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toBe('held');
      holder.kill('SIGSTOP');
      const successor = await a.locks.acquire(ref, { waitMs: 60_000 });
      holder.kill('SIGCONT');
      expect((await lines.next()).value).toBe('lost expired false');
      expect((await lines.next()).value).toBe('release other');
      expect(successor.held).toBe(true);
      expect(await raw.get(ref.key)).toBe(successor.owner);
    });
  });

  test('two never hold at once, by Redis’s own time, whatever they do and in whichever order', async () => {
    const step = fc.record({
      who: fc.constantFrom(0, 1, 2),
      act: fc.constantFrom('acquire', 'acquire', 'release', 'steal-release', 'extend'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await raw.flushdb();
        const owners = ['x', 'y', 'z'];
        let holder: number | null = null;
        const results = await Promise.all(
          steps.map(async ({ who, act }) => {
            const { locks } = who === 0 ? a : b;
            const owner = owners[who] as string;
            if (act === 'acquire') {
              const got = await locks.acquire(ref, { owner, renew: false }).catch(() => null);
              return { who, act, done: got !== null };
            }
            if (act === 'extend') return { who, act, done: (await locks.extend(ref, owner)).kind === 'held' };
            const whose = act === 'release' ? owner : 'nobody';
            return { who, act, done: (await locks.release(ref, whose)) === 'released' };
          }),
        );
        // Between two acquisitions that succeeded there is a release by the holder: as many, or one fewer.
        const taken = results.filter(({ act, done }) => act === 'acquire' && done).length;
        const released = results.filter(({ act, done }) => act.endsWith('release') && done).length;
        const standing = await raw.get(ref.key);
        holder = standing === null ? null : owners.indexOf(standing);
        expect(taken - released).toBe(holder === null ? 0 : 1);
        expect(results.filter(({ act, done }) => act === 'steal-release' && done)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('two hundred turns of eight contenders never overlap', async () => {
    let inside = 0;
    let most = 0;
    let turns = 0;
    const contend = async ({ locks }: LockProcess): Promise<void> => {
      for (let turn = 0; turn < 25; turn += 1) {
        await locks.hold(
          ref,
          async () => {
            turns += 1;
            inside += 1;
            most = Math.max(most, inside);
            await new Promise(setImmediate);
            inside -= 1;
          },
          { waitMs: 100_000 },
        );
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, n) => contend(n % 2 === 0 ? a : b)));
    expect(most).toBe(1);
    expect(turns).toBe(200);
  });
});
