import { DatabaseUnavailableError } from '../errors.js';
import { ChangeWatch } from './change-watch.js';

const EVERY_MS = 500;

describe('a watch for changes', () => {
  let looks: { readonly done: () => void; readonly fail: (error: Error) => void }[];
  let failures: unknown[];
  let watch: ChangeWatch;

  const nextLook = async (at: number): Promise<void> => {
    await jest.advanceTimersByTimeAsync(0);
    looks[at]?.done();
    await jest.advanceTimersByTimeAsync(0);
  };

  beforeEach(() => {
    jest.useFakeTimers();
    looks = [];
    failures = [];
    watch = new ChangeWatch({
      look: () => new Promise<void>((resolve, reject) => void looks.push({ done: resolve, fail: reject })),
      everyMs: EVERY_MS,
      failed: (error) => failures.push(error),
    });
  });
  afterEach(() => {
    watch.stop();
    jest.useRealTimers();
  });

  const start = async (): Promise<void> => {
    const started = watch.start();
    looks[0]?.done();
    await started;
  };

  it('looks once at its start, then in each interval after the look before, until it is stopped', async () => {
    await start();
    await jest.advanceTimersByTimeAsync(EVERY_MS - 1);
    expect(looks).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(looks).toHaveLength(2);
    // One that takes long is not joined by another.
    await jest.advanceTimersByTimeAsync(10 * EVERY_MS);
    expect(looks).toHaveLength(2);
    await nextLook(1);
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    expect(looks).toHaveLength(3);
    await nextLook(2);
    watch.stop();
    await jest.advanceTimersByTimeAsync(10 * EVERY_MS);
    expect(looks).toHaveLength(3);
  });

  it('refreshes by a look that begins after it was asked to', async () => {
    await start();
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    let refreshed = false;
    const refreshing = watch.refresh().then(() => {
      refreshed = true;
    });
    await nextLook(1);
    expect([looks.length, refreshed]).toEqual([3, false]);
    await nextLook(2);
    await refreshing;
    expect(failures).toEqual([]);
  });

  it('tells of a look that failed, and goes on', async () => {
    await start();
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    const error = new Error('odd');
    looks[1]?.fail(error);
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    expect([looks.length, failures]).toEqual([3, [error]]);
  });

  it('waits at its start for a database that is away, but not for ever', async () => {
    const started = watch.start().catch((error: unknown) => error);
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      expect(looks).toHaveLength(attempt);
      looks.at(-1)?.fail(new DatabaseUnavailableError('connection_lost'));
      await jest.advanceTimersByTimeAsync(EVERY_MS);
    }
    expect(await started).toBeInstanceOf(DatabaseUnavailableError);
    expect(looks).toHaveLength(10);
  });
});
