import { ledgerOn, settleMicrotasks } from '../../test/ledger/ledger-on.js';
import { sampleCall, sampleHit, SAMPLE_COST, sampleOutcome } from '../../test/ledger/sample-facts.js';
import { ScriptedStore } from '../../test/ledger/scripted-store.js';
import type { PriceQuestion } from '../prices/price-table.js';
import { DurableLedger } from './durable-ledger.js';
import { LedgerUnavailable } from './ledger-errors.js';

describe('durable ledger', () => {
  let store: ScriptedStore;
  beforeEach(() => {
    jest.useFakeTimers({ now: new Date('2026-11-21T12:00:00Z') });
    store = new ScriptedStore();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('has the intent written before begin resolves', async () => {
    const ledger = ledgerOn(store);
    const intent = await ledger.begin(sampleCall());
    expect(store.calls.get(intent.id)).toMatchObject({ status: 'intent', tenant: 'acme', model: 'gpt-4o-mini' });
    expect(store.calls.get(intent.id)?.spent_nano_usd).toBeUndefined();
  });

  it('lets all begins that wait share the next statement', async () => {
    const ledger = ledgerOn(store);
    await Promise.all(Array.from({ length: 200 }, () => ledger.begin(sampleCall())));
    expect(store.callStatements).toEqual([1, 199]);
  });

  it('writes a settlement within a second, once, with its exact cost', async () => {
    const ledger = ledgerOn(store);
    await ledger.start();
    const intent = await ledger.begin(sampleCall());
    intent.settle(sampleOutcome());
    intent.settle(sampleOutcome({ status: 'failed', usage: null }));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(store.calls.get(intent.id)).toMatchObject({
      status: 'completed',
      spent_nano_usd: SAMPLE_COST.toString(),
      provider_input_tokens: 100,
      provider_output_tokens: 20,
      answered_model: 'gpt-4o-mini-2024-07-18',
    });
    expect(ledger.state.unwrittenCalls).toBe(0);
  });

  it('leaves no line of a call that was not made', async () => {
    const ledger = ledgerOn(store);
    await ledger.start();
    const intent = await ledger.begin(sampleCall());
    const made = await ledger.begin(sampleCall());
    intent.withdraw();
    intent.settle(sampleOutcome());
    made.settle(sampleOutcome());
    made.withdraw();
    expect(ledger.state.unwrittenCalls).toBe(2);
    await jest.advanceTimersByTimeAsync(1_000);
    expect([...store.calls.keys()]).toEqual([made.id]);
    expect(store.spent).toBe(SAMPLE_COST);
    expect(ledger.state.unwrittenCalls).toBe(0);
  });

  it('trap 20: hits are never booked as spent', async () => {
    const ledger = ledgerOn(store);
    for (const kind of ['hit', 'coalesced', 'stale', 'semantic'] as const) ledger.reused(sampleHit({ kind }));
    await ledger.flush();
    expect(store.calls.size).toBe(0);
    expect(store.spent).toBe(0n);
    expect(store.avoided).toBe(4n * SAMPLE_COST);
    for (const row of store.reuse.values()) {
      expect(Object.keys(row).filter((column) => /spent|provider_.*tokens/.test(column))).toEqual([]);
    }
  });

  it('trap 20: unknown price is null on a call and on a hit', async () => {
    const ledger = ledgerOn(store);
    const intent = await ledger.begin(sampleCall({ model: 'llama-9' }));
    intent.settle(sampleOutcome({ model: 'llama-9' }));
    ledger.reused(sampleHit({ model: 'llama-9', answeredModel: null }));
    await ledger.flush();
    expect(store.calls.get(intent.id)).toMatchObject({ spent_nano_usd: null, unpriced_because: 'no_price' });
    expect([...store.reuse.values()]).toMatchObject([{ avoided_nano_usd: null, unpriced_because: 'no_price' }]);
  });

  it.each([
    ['a refusal of the provider costs nothing', sampleOutcome({ status: 'failed', usage: null, httpStatus: 429 }), '0'],
    [
      'a failure of the provider has an unknown cost',
      sampleOutcome({ status: 'failed', usage: null, httpStatus: 500 }),
      null,
    ],
    [
      'a call without an answer has an unknown cost',
      sampleOutcome({ status: 'failed', usage: null, httpStatus: null }),
      null,
    ],
    ['an aborted call has an unknown cost', sampleOutcome({ status: 'aborted', usage: null }), null],
    ['an answer in a tier without a price has an unknown cost', sampleOutcome({ serviceTier: 'flex' }), null],
  ])('%s', async (_, outcome, spent) => {
    const ledger = ledgerOn(store);
    const intent = await ledger.begin(sampleCall());
    intent.settle(outcome);
    await ledger.flush();
    expect(store.calls.get(intent.id)?.spent_nano_usd).toBe(spent);
  });

  describe('while PostgreSQL does not answer', () => {
    it('holds a call up for its deadline once, and the next ones not at all', async () => {
      const waits: [number, string][] = [];
      const ledger = ledgerOn(store, {}, { intentBegun: (ms, how) => waits.push([ms, how]) });
      store.mood = 'hangs';
      const first = ledger.begin(sampleCall());
      await jest.advanceTimersByTimeAsync(249);
      expect(waits).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      await first;
      await ledger.begin(sampleCall());
      expect(waits).toEqual([
        [250, 'spooled'],
        [0, 'spooled'],
      ]);
    });

    it('refuses the call after the last that the spool holds, and books hits as before', async () => {
      const ledger = ledgerOn(store, { maxSpooledCalls: 3, retryAfterSeconds: 7 });
      store.mood = 'fails';
      for (let call = 0; call < 3; call += 1) await ledger.begin(sampleCall());
      await expect(ledger.begin(sampleCall())).rejects.toBeInstanceOf(LedgerUnavailable);
      await expect(ledger.begin(sampleCall())).rejects.toMatchObject({
        code: 'ledger_unavailable',
        retryAfterSeconds: 7,
      });
      ledger.reused(sampleHit());
      store.mood = 'works';
      await ledger.flush();
      expect([store.calls.size, store.hits]).toEqual([3, 1]);
      await expect(ledger.begin(sampleCall())).resolves.toHaveProperty('id');
    });

    it('writes what it spooled once it is back, without being asked', async () => {
      const told: string[] = [];
      const ledger = ledgerOn(
        store,
        {},
        {
          databaseSilent: () => told.push('silent'),
          databaseAnswers: (lines) => told.push(`answers, ${lines} waiting`),
        },
      );
      await ledger.start();
      store.mood = 'fails';
      const intent = await ledger.begin(sampleCall());
      intent.settle(sampleOutcome());
      ledger.reused(sampleHit());
      await jest.advanceTimersByTimeAsync(10_000);
      expect(store.calls.size).toBe(0);
      store.mood = 'works';
      await jest.advanceTimersByTimeAsync(1_000);
      expect([store.spent, store.avoided]).toEqual([SAMPLE_COST, SAMPLE_COST]);
      expect(told).toEqual(['silent', 'answers, 2 waiting']);
      expect(ledger.state).toEqual({ databaseAnswers: true, unwrittenCalls: 0, bufferedHits: 0, droppedHits: 0 });
    });

    it('does not count twice what was written but not acknowledged', async () => {
      const ledger = ledgerOn(store);
      store.mood = 'forgets';
      const intent = await ledger.begin(sampleCall());
      intent.settle(sampleOutcome());
      for (let hit = 0; hit < 5; hit += 1) ledger.reused(sampleHit());
      await expect(ledger.flush()).rejects.toThrow('connection reset');
      await expect(ledger.flush()).rejects.toThrow('connection reset');
      ledger.reused(sampleHit());
      store.mood = 'works';
      await ledger.flush();
      expect([store.calls.size, store.hits]).toEqual([1, 6]);
      expect([store.spent, store.avoided]).toEqual([SAMPLE_COST, 6n * SAMPLE_COST]);
    });

    it('lets an intent that arrives after its settlement change nothing', async () => {
      const ledger = ledgerOn(store);
      store.mood = 'hangs';
      const began = ledger.begin(sampleCall());
      await jest.advanceTimersByTimeAsync(250);
      (await began).settle(sampleOutcome());
      store.mood = 'works';
      await ledger.flush();
      store.thaw();
      await settleMicrotasks();
      expect(store.spent).toBe(SAMPLE_COST);
    });

    it('writes a settlement that comes while its intent is on the way', async () => {
      const ledger = ledgerOn(store);
      store.mood = 'hangs';
      const began = ledger.begin(sampleCall());
      await jest.advanceTimersByTimeAsync(250);
      const intent = await began;
      const writingTheIntent = ledger.flush();
      intent.settle(sampleOutcome());
      store.thaw();
      await writingTheIntent;
      expect(store.spent).toBe(0n);
      await ledger.flush();
      expect(store.spent).toBe(SAMPLE_COST);
    });

    it('leaves no line of a call that was given up while its intent was on the way', async () => {
      const ledger = ledgerOn(store);
      store.mood = 'hangs';
      const began = ledger.begin(sampleCall());
      await jest.advanceTimersByTimeAsync(250);
      const intent = await began;
      const writingTheIntent = ledger.flush();
      intent.withdraw();
      store.thaw();
      await writingTheIntent;
      await ledger.flush();
      expect([store.calls.size, ledger.state.unwrittenCalls]).toEqual([0, 0]);
    });

    it('erases lines once it is back, and refuses calls where too many wait for that', async () => {
      const ledger = ledgerOn(store, { maxSpooledCalls: 2 });
      const intents = [await ledger.begin(sampleCall()), await ledger.begin(sampleCall())];
      store.mood = 'fails';
      for (const intent of intents) intent.withdraw();
      await expect(ledger.flush()).rejects.toThrow('connection refused');
      await expect(ledger.begin(sampleCall())).rejects.toBeInstanceOf(LedgerUnavailable);
      expect(store.calls.size).toBe(2);
      store.mood = 'works';
      await ledger.flush();
      expect([store.calls.size, ledger.state.databaseAnswers]).toEqual([0, true]);
    });

    it('makes intents durable again as soon as it answers, though an older statement still hangs', async () => {
      const ledger = ledgerOn(store);
      store.mood = 'hangs';
      const stuck = ledger.begin(sampleCall());
      await jest.advanceTimersByTimeAsync(250);
      await stuck;
      store.mood = 'works';
      await ledger.flush();
      const intent = await ledger.begin(sampleCall());
      expect(store.calls.get(intent.id)?.status).toBe('intent');
    });

    it('takes the late failure of a statement that it gave up for no news', async () => {
      const ledger = ledgerOn(store);
      const late = Promise.withResolvers<void>();
      const write = jest.spyOn(store, 'writeCalls').mockImplementationOnce(() => late.promise);
      const stuck = ledger.begin(sampleCall());
      await jest.advanceTimersByTimeAsync(250);
      await stuck;
      await ledger.flush();
      late.reject(new Error('deadline'));
      await settleMicrotasks();
      expect(ledger.state.databaseAnswers).toBe(true);
      expect([write.mock.calls.length, store.calls.size]).toEqual([2, 1]);
    });
  });

  it('makes hostile text and counts storable', async () => {
    const ledger = ledgerOn(store);
    const model = `\0\uD800${'x'.repeat(10_000)}`;
    const intent = await ledger.begin(sampleCall({ model, userId: 'a\0b' }));
    intent.settle(sampleOutcome({ model, httpStatus: 1e9, usage: { ...sampleOutcome().usage!, inputTokens: 1e300 } }));
    await ledger.flush();
    const row = store.calls.get(intent.id);
    expect(row?.model).toHaveLength(512);
    expect(row?.model.isWellFormed()).toBe(true);
    expect(JSON.stringify(row)).not.toContain('\\u0000');
    expect(row).toMatchObject({
      user_id: 'a\uFFFDb',
      http_status: null,
      provider_input_tokens: null,
      spent_nano_usd: null,
    });
  });

  it('writes everything when it closes, and says that nothing is missing', async () => {
    const ledger = ledgerOn(store);
    await ledger.start();
    const intent = await ledger.begin(sampleCall());
    intent.settle(sampleOutcome());
    for (let hit = 0; hit < 1_234; hit += 1) ledger.reused(sampleHit());
    await ledger.close();
    expect([store.spent, store.hits]).toEqual([SAMPLE_COST, 1_234]);
    expect(store.processes.get(ledger.processId)).toMatchObject({
      cleanShutdown: true,
      hitsIssued: 1_234,
      hitsWritten: 1_234,
    });
  });

  it('writes a call that ends while it closes', async () => {
    const ledger = ledgerOn(store);
    const intent = await ledger.begin(sampleCall());
    const write = store.writeReuse.bind(store);
    jest.spyOn(store, 'writeReuse').mockImplementation(async (rows, progress) => {
      if (progress.cleanShutdown) intent.settle(sampleOutcome());
      await write(rows, progress);
    });
    await ledger.close();
    expect(store.calls.get(intent.id)).toMatchObject({ status: 'completed', spent_nano_usd: SAMPLE_COST.toString() });
  });

  it('closes beside calls whose intents still wait, and leaves them the turn that they wait for', async () => {
    const ledger = ledgerOn(store);
    store.mood = 'hangs';
    const begun = Promise.all([ledger.begin(sampleCall()), ledger.begin(sampleCall())]);
    store.mood = 'works';
    let looks = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => {
      // Who never leaves others a turn would never end.
      if (++looks === 1_000) store.thaw();
      return 0;
    });
    await ledger.close();
    expect(looks).toBeLessThan(1_000);
    store.thaw();
    expect((await begun).map(({ id }) => store.calls.get(id)?.status)).toEqual(['intent', 'intent']);
  });

  it('asks for prices by the names that its lines have', async () => {
    const asked: PriceQuestion[] = [];
    const ledger = new DurableLedger(store, {
      of: (question) => {
        asked.push(question);
        return null;
      },
    });
    const model = `\0${'x'.repeat(10_000)}`;
    (await ledger.begin(sampleCall())).settle(sampleOutcome({ model, serviceTier: 'a\0b' }));
    ledger.reused(sampleHit({ answeredModel: model, serviceTier: 'a\0b' }));
    await ledger.flush();
    const lines = [...store.calls.values(), ...store.reuse.values()];
    expect(asked.map((one) => [one.model, one.serviceTier])).toEqual(
      lines.map((line) => [line.answered_model, line.service_tier]),
    );
    expect(asked[0]).toMatchObject({
      model: `\uFFFD${'x'.repeat(511)}`,
      serviceTier: 'a\uFFFDb',
      asked: 'gpt-4o-mini',
    });
  });

  it('stops closing at its deadline when PostgreSQL stays away', async () => {
    const ledger = ledgerOn(store, { shutdownDeadlineMs: 2_000 });
    ledger.reused(sampleHit());
    store.mood = 'hangs';
    const closed = ledger.close();
    await jest.advanceTimersByTimeAsync(2_100);
    await closed;
    expect(store.processes.size).toBe(0);
  });

  it('says that it lives while it has nothing to write', async () => {
    const ledger = ledgerOn(store, { heartbeatMs: 5_000 });
    await ledger.start();
    const write = jest.spyOn(store, 'writeReuse');
    await jest.advanceTimersByTimeAsync(20_000);
    expect(write.mock.calls.length).toBeGreaterThanOrEqual(3);
    expect(write.mock.calls.length).toBeLessThanOrEqual(5);
  });
});
