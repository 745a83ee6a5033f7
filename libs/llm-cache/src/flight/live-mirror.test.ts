import { RedisUnavailableError } from '@promptsales/cache-core';
import { Broadcast } from './broadcast.js';
import { DEFAULT_FLIGHT } from './flight-bounds.js';
import { DEFAULT_MIRROR, LiveMirror } from './live-mirror.js';
import type { LivePosition } from './live-transport.js';

/** A flight with a follower in another process, which has been told how it begins. */
async function followed() {
  const told: string[] = [];
  const redis = { away: false };
  const transport = {
    append: (_token: string, entries: readonly LivePosition[]): Promise<boolean> => {
      if (redis.away) return Promise.reject(new RedisUnavailableError('away', 'state'));
      told.push(...entries.map(({ kind }) => kind));
      return Promise.resolve(true);
    },
  };
  const broadcast = new Broadcast(DEFAULT_FLIGHT, () => undefined);
  const mirror = new LiveMirror({ token: 'here.1', broadcast }, transport, DEFAULT_MIRROR);
  mirror.follow('there');
  const telling = mirror.tell();
  broadcast.begin({ kind: 'stream', status: 200, headers: {} });
  await jest.advanceTimersByTimeAsync(100);
  expect(told).toEqual(['opening']);
  return { broadcast, mirror, redis, telling, told };
}

describe('a flight that another process follows', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is told to its end after an outage of Redis in which nobody could say that he follows', async () => {
    const { broadcast, mirror, redis, telling, told } = await followed();
    redis.away = true;
    broadcast.frame({ raw: Buffer.from('data: 1\n\n'), afterMicros: 0, cut: { from: 0, length: 0 } });
    broadcast.end(null);
    await jest.advanceTimersByTimeAsync(DEFAULT_MIRROR.patienceMs - 1000);
    expect(mirror.awaited).toBe(true);
    redis.away = false;
    await jest.advanceTimersByTimeAsync(1000);
    await telling;
    expect(told).toEqual(['opening', 'frames', 'end']);
  });

  it('is not kept for followers who no longer wait for Redis', async () => {
    const { broadcast, mirror, redis, telling } = await followed();
    redis.away = true;
    broadcast.frame({ raw: Buffer.from('data: 1\n\n'), afterMicros: 0, cut: { from: 0, length: 0 } });
    await jest.advanceTimersByTimeAsync(DEFAULT_MIRROR.patienceMs + DEFAULT_MIRROR.interestMs + 5000);
    expect(mirror.awaited).toBe(false);
    await telling;
  });
});
