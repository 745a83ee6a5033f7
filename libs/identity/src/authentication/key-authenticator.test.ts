import { DatabaseUnavailableError } from '@promptsales/database';
import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { principalOf } from '../access/principal.js';
import { newKey } from '../keys/key-format.js';
import { KeyAuthenticator } from './key-authenticator.js';
import type { KeyFact, KeySource, Snapshot } from './key-facts.js';

const ADMIN_KEY = 'the-administrators-own-key';

/** A database of keys whose answers are taken at once and delivered when the test says so. */
class ScriptedSource implements KeySource {
  readonly #keys = new Map<string, { fact: KeyFact; revision: number }>();
  #revision = 0;
  held: (() => void)[] | null = null;
  failure: Error | null = null;
  lookups = 0;
  looks = 0;

  put(key: string, valid: boolean, expiresAt = Number.POSITIVE_INFINITY): void {
    const digest = createHash('sha256').update(key).digest('hex');
    this.#revision += 1;
    const principal = principalOf({
      tenant: 't',
      keyId: key.slice(4, 21),
      client: 'c',
      scopes: ['llm'],
      plan: 'standard',
    });
    this.#keys.set(digest, {
      fact: { digest, known: valid ? { principal, expiresAt } : null },
      revision: this.#revision,
    });
  }

  byDigest(digests: readonly string[]): Promise<Snapshot> {
    this.lookups += 1;
    const keys = digests.flatMap((digest) => this.#keys.get(digest)?.fact ?? []);
    return this.#deliver({ revision: this.#revision, epoch: 0, keys });
  }

  changedAfter(revision: number): Promise<Snapshot & { lastRevision: null }> {
    this.looks += 1;
    const keys = [...this.#keys.values()].filter((row) => row.revision > revision).map((row) => row.fact);
    return this.#deliver({ revision: this.#revision, epoch: 0, keys, lastRevision: null });
  }

  #deliver<T>(answer: T): Promise<T> {
    const { failure } = this;
    if (failure !== null) return Promise.reject(failure);
    const { held } = this;
    if (held === null) return Promise.resolve(answer);
    return new Promise((resolve) => held.push(() => resolve(answer)));
  }
}

describe('KeyAuthenticator', () => {
  let source: ScriptedSource;
  let authenticator: KeyAuthenticator;
  let failures: unknown[];

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    source = new ScriptedSource();
    failures = [];
    authenticator = new KeyAuthenticator({
      source,
      adminKey: ADMIN_KEY,
      pollEveryMs: 250,
      graceMs: 3_600_000,
      failed: (error) => failures.push(error),
    });
    await authenticator.start();
  });

  afterEach(() => {
    authenticator.stop();
    jest.useRealTimers();
  });

  async function introduced(): Promise<string> {
    const { key } = newKey();
    source.put(key, true);
    expect(await authenticator.authenticate(key)).toMatchObject({ tenant: 't' });
    return key;
  }

  it('starts although the first answers are late, and not when there are none', async () => {
    const options = { adminKey: ADMIN_KEY, pollEveryMs: 250, graceMs: 1000, failed: () => undefined };
    const late = new ScriptedSource();
    late.failure = new DatabaseUnavailableError('deadline');
    const patient = new KeyAuthenticator({ ...options, source: late });
    const started = patient.start();
    await jest.advanceTimersByTimeAsync(600);
    late.failure = null;
    await jest.advanceTimersByTimeAsync(300);
    await expect(started).resolves.toBeUndefined();
    expect(patient.status().trust).toBe('verified');
    patient.stop();

    const absent = new ScriptedSource();
    absent.failure = new DatabaseUnavailableError('deadline');
    const outcome = new KeyAuthenticator({ ...options, source: absent }).start().catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toBeInstanceOf(DatabaseUnavailableError);
  });

  it('answers a known key without a promise, with the same object each time', async () => {
    const key = await introduced();
    const first = authenticator.authenticate(key);
    expect(first).not.toBeInstanceOf(Promise);
    expect(authenticator.authenticate(key)).toBe(first);
    expect(source.lookups).toBe(2);
  });

  it('knows the administrator without asking anybody', () => {
    source.failure = new DatabaseUnavailableError('disconnected');
    expect(authenticator.authenticate(ADMIN_KEY)).toMatchObject({ keyId: 'admin', plan: 'unlimited', admin: true });
    expect(authenticator.authenticate(`${ADMIN_KEY.slice(0, -1)}x`)).toBeNull();
  });

  it('does not ask about what no key can be', () => {
    for (const presented of ['', 'nonsense', 'x'.repeat(100_000), `psk_${'0'.repeat(17)}_${'0'.repeat(49)}`]) {
      expect(authenticator.authenticate(presented)).toBeNull();
    }
    expect(source.lookups).toBe(1);
  });

  it('gives a burst of one unknown key two questions, and repeats nothing', async () => {
    const { key } = newKey();
    const answers = Array.from({ length: 1000 }, async () => await authenticator.authenticate(key));
    await jest.advanceTimersByTimeAsync(20);
    expect(new Set(await Promise.all(answers))).toEqual(new Set([null]));
    expect(authenticator.authenticate(key)).toBeNull();
    // The start, the first of the burst, and the rest of it, which may not be given an answer older than its question.
    expect(source.lookups).toBe(3);
  });

  it('turns a flood of made-up keys into a bounded stream of questions and a bounded memory', async () => {
    let refused = 0;
    for (let tick = 0; tick < 100; tick += 1) {
      for (let count = 0; count < 300; count += 1) {
        void Promise.resolve(authenticator.authenticate(newKey().key)).catch(() => (refused += 1));
      }
      await jest.advanceTimersByTimeAsync(1);
    }
    // 30,000 keys in 100 ms.
    expect(source.lookups).toBeLessThanOrEqual(12);
    expect(authenticator.status().unknownKeys).toBeLessThanOrEqual(20_000);
    expect(refused).toBeGreaterThan(20_000);
    const key = newKey().key;
    source.put(key, true);
    await jest.advanceTimersByTimeAsync(100);
    expect(await authenticator.authenticate(key)).toMatchObject({ tenant: 't' });
  });

  it('refuses a key that was revoked elsewhere within a second', async () => {
    const key = await introduced();
    source.put(key, false);
    await jest.advanceTimersByTimeAsync(300);
    expect(authenticator.authenticate(key)).toBeNull();
  });

  it('refuses a key from the moment on at which it expires', async () => {
    const { key } = newKey();
    source.put(key, true, Date.now() + 5000);
    expect(await authenticator.authenticate(key)).not.toBeNull();
    await jest.advanceTimersByTimeAsync(4900);
    expect(authenticator.authenticate(key)).toMatchObject({ tenant: 't' });
    await jest.advanceTimersByTimeAsync(100);
    expect(authenticator.authenticate(key)).toBeNull();
  });

  it('looks first when the process was stopped for a while, although no timer has run', async () => {
    const key = await introduced();
    source.put(key, false);
    // Time passes, timers do not fire: what SIGSTOP or a blocked event loop looks like from inside.
    jest.setSystemTime(Date.now() + 10_000);
    jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 10_000);
    const answer = authenticator.authenticate(key);
    expect(answer).toBeInstanceOf(Promise);
    jest.restoreAllMocks();
    expect(await answer).toBeNull();
  });

  it('accepts known keys while the database is gone, refuses to guess about others, and ends with the grace', async () => {
    const key = await introduced();
    source.failure = new DatabaseUnavailableError('disconnected');
    await jest.advanceTimersByTimeAsync(2000);
    expect(authenticator.authenticate(key)).toMatchObject({ tenant: 't' });
    await expect(authenticator.authenticate(newKey().key)).rejects.toMatchObject({ code: 'database_unavailable' });
    await jest.advanceTimersByTimeAsync(3_590_000);
    expect(authenticator.authenticate(key)).toMatchObject({ tenant: 't' });
    await jest.advanceTimersByTimeAsync(20_000);
    await expect(authenticator.authenticate(key)).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(authenticator.authenticate(ADMIN_KEY)).toMatchObject({ admin: true });

    source.failure = null;
    await jest.advanceTimersByTimeAsync(300);
    expect(authenticator.authenticate(key)).toMatchObject({ tenant: 't' });
  });

  it('hears of a revocation that was made during an outage as soon as it is over', async () => {
    const key = await introduced();
    source.failure = new DatabaseUnavailableError('disconnected');
    await jest.advanceTimersByTimeAsync(5000);
    source.put(key, false);
    source.failure = null;
    await jest.advanceTimersByTimeAsync(300);
    expect(authenticator.authenticate(key)).toBeNull();
  });

  it('waits for a look that is slow, and does not use what is too old meanwhile', async () => {
    const key = await introduced();
    source.held = [];
    await jest.advanceTimersByTimeAsync(950);
    const answer = authenticator.authenticate(key);
    expect(answer).toBeInstanceOf(Promise);
    for (const deliver of source.held) deliver();
    expect(await answer).toMatchObject({ tenant: 't' });
  });

  it('reports an error that is not the database being away, and goes on', async () => {
    source.failure = new Error('permission denied');
    await jest.advanceTimersByTimeAsync(600);
    expect(failures.length).toBeGreaterThan(0);
    source.failure = null;
    await jest.advanceTimersByTimeAsync(300);
    expect(authenticator.status().trust).toBe('verified');
  });

  it('trap 1: no interleaving of lookups and looks brings a revoked key back', async () => {
    const step = fc.constantFrom('lookup', 'deliver first', 'deliver last', 'tick', 'revoke');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 30 }), async (steps) => {
        const own = new ScriptedSource();
        const tested = new KeyAuthenticator({
          source: own,
          adminKey: ADMIN_KEY,
          pollEveryMs: 250,
          graceMs: 1,
          failed: () => undefined,
        });
        await tested.start();
        const { key } = newKey();
        own.put(key, true);
        own.held = [];
        let revoked = false;
        for (const action of steps) {
          if (action === 'lookup') void tested.authenticate(key);
          if (action === 'deliver first') own.held.shift()?.();
          if (action === 'deliver last') own.held.pop()?.();
          if (action === 'tick') await jest.advanceTimersByTimeAsync(260);
          if (action === 'revoke' && !revoked) {
            own.put(key, false);
            revoked = true;
          }
          await Promise.resolve();
        }
        if (!revoked) own.put(key, false);
        const { held } = own;
        own.held = null;
        // Everything that was on its way arrives, in an order of its own; then one look that began after the revocation.
        for (const deliver of held.toReversed()) deliver();
        await jest.advanceTimersByTimeAsync(30);
        await tested.refresh();
        expect(await tested.authenticate(key)).toBeNull();
        tested.stop();
      }),
      { numRuns: 300 },
    );
  });
});
