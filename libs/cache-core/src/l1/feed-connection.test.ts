import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { RedisNode } from '../redis/link.js';
import type { FeedProtocol } from './change-feed.js';
import { FeedConnection } from './feed-connection.js';
import { DEFAULT_L1 } from './settings.js';

class TestClient extends EventEmitter {
  status = 'ready';
  async connect(): Promise<void> {}
  disconnect(): void {
    this.status = 'end';
  }
}

/** A link that is up. */
class TestLink extends EventEmitter {
  readonly up = true;
  dedicatedClient(): Redis {
    return new TestClient() as unknown as Redis;
  }
  within<T>(work: Promise<T>): Promise<T> {
    return work;
  }
}

describe('a connection on which changes are told', () => {
  const { boundMs, beatMs } = DEFAULT_L1;
  let now: number;
  let answers: boolean;
  let emptied: string[];
  let feed: FeedConnection;

  beforeEach(async () => {
    jest.useFakeTimers();
    now = 0;
    answers = true;
    emptied = [];
    const protocol: FeedProtocol = {
      working: 'tracking',
      purpose: 'tracking',
      begin: async () => undefined,
      beat: () => (answers ? Promise.resolve() : new Promise(() => undefined)),
    };
    const listener = {
      changed: () => undefined,
      emptied: (why: string) => void emptied.push(why),
      weighed: () => undefined,
    };
    feed = new FeedConnection(new TestLink() as unknown as RedisNode, protocol, DEFAULT_L1, listener, () => now);
    await jest.advanceTimersByTimeAsync(0);
  });

  afterEach(() => {
    feed.close();
    jest.useRealTimers();
  });

  it('is trusted for the bound after the beat that was answered last', async () => {
    expect([feed.state, feed.trustedUntil]).toEqual(['tracking', boundMs]);
    now = 700;
    await jest.advanceTimersByTimeAsync(beatMs);
    expect(feed.trustedUntil).toBe(700 + boundMs);
  });

  it('is given up when it stays without an answer for three bounds', async () => {
    answers = false;
    await jest.advanceTimersByTimeAsync(3 * boundMs);
    expect(emptied).toEqual([]);
    await jest.advanceTimersByTimeAsync(3 * beatMs);
    expect(emptied).toEqual(['connection_lost']);
    expect(feed.trustedUntil).toBe(Number.NEGATIVE_INFINITY);
  });

  it('is not given up because this process was stopped: the answer has only to be read', async () => {
    answers = false;
    await jest.advanceTimersByTimeAsync(2 * beatMs);
    now += 60_000;
    await jest.advanceTimersByTimeAsync(2 * beatMs);
    expect(emptied).toEqual([]);
    expect(feed.trustedUntil).toBeLessThan(now);
  });
});
