import { sampleCall, sampleHit, SAMPLE_COST, sampleOutcome } from '../../test/ledger/sample-facts.js';
import { ScriptedStore } from '../../test/ledger/scripted-store.js';
import { publishedPrices } from '../prices/published-prices.js';
import { DurableLedger, type DurableLedgerOptions } from './durable-ledger.js';
import { LedgerUnavailable } from './ledger-errors.js';
import type { HitFacts } from './ledger.js';
import type { LedgerObserver } from './ledger-observer.js';

const prices = publishedPrices();

function ledgerOn(
  store: ScriptedStore,
  options: Partial<DurableLedgerOptions> = {},
  observer: LedgerObserver = {},
): DurableLedger {
  return new DurableLedger(store, prices, options, observer);
}

/** Runs what is due now without moving the clock. */
async function settleMicrotasks(): Promise<void> {
  await jest.advanceTimersByTimeAsync(0);
}

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

    it('does not add to a line that may have been written already', async () => {
      const ledger = ledgerOn(store);
      for (let hit = 0; hit < 4; hit += 1) ledger.reused(sampleHit());
      store.mood = 'forgets';
      await expect(ledger.flush()).rejects.toThrow('connection reset');
      for (let hit = 0; hit < 4; hit += 1) ledger.reused(sampleHit());
      store.mood = 'works';
      await ledger.flush();
      expect([...store.reuse.values()].map(({ hits }) => hits)).toEqual([4, 4]);
      expect(ledger.state.bufferedHits).toBe(0);
    });

    it('keeps money and tokens when receipts find no room, and counts hits that find no line', async () => {
      const ledger = ledgerOn(store, { maxBufferedReceipts: 2, maxBufferedLines: 2 });
      store.mood = 'fails';
      for (let hit = 0; hit < 10; hit += 1) ledger.reused(sampleHit({ requestId: `request-${hit}` }));
      for (let hit = 0; hit < 3; hit += 1) ledger.reused(sampleHit({ campanaId: 'another' }));
      for (let hit = 0; hit < 4; hit += 1) ledger.reused(sampleHit({ campanaId: 'a third' }));
      expect(ledger.state).toMatchObject({ bufferedHits: 13, droppedHits: 4 });
      store.mood = 'works';
      await ledger.flush();
      expect([...store.reuse.values()].map(({ hits, request_ids }) => [hits, request_ids])).toEqual([
        [10, 'request-0\nrequest-1'],
        [3, ''],
      ]);
      expect(store.avoided).toBe(13n * SAMPLE_COST);
      expect(store.processes.get(ledger.processId)).toMatchObject({ hitsIssued: 17, hitsWritten: 13, hitsDropped: 4 });
    });
  });

  it('puts the hits of one caller on one answer into one line, each with its receipt', async () => {
    const ledger = ledgerOn(store);
    await ledger.start();
    ledger.reused(sampleHit({ requestId: 'first', ageSeconds: 7 }));
    await jest.advanceTimersByTimeAsync(250);
    ledger.reused(sampleHit({ requestId: null, ageSeconds: null }));
    ledger.reused(sampleHit({ requestId: 'two\nlines', ageSeconds: 8 }));
    await ledger.flush();
    expect([...store.reuse.values()]).toMatchObject([
      {
        sequence: 1,
        hits: 3,
        reused_at: '2026-11-21T12:00:00.000Z',
        request_ids: 'first\n-\ntwo lines',
        ages_seconds: '7,-,8',
        after_ms: '0,250,250',
        replayed_input_tokens: 300,
        avoided_nano_usd: (3n * SAMPLE_COST).toString(),
      },
    ]);
  });

  it.each<[string, Partial<HitFacts>]>([
    ['user', { userId: 'u-1' }],
    ['user whose name is a word for nobody', { userId: '-' }],
    ['client account', { clienteId: 'c-1' }],
    ['campaign', { campanaId: 'k-1' }],
    ['segment', { segmento: 's-1' }],
    ['tenant', { tenant: 'other' }],
    ['key', { keyId: 'key-2' }],
    ['client', { client: 'portal' }],
    ['route', { route: '/v1/completions' }],
    ['provider', { provider: 'azure' }],
    ['kind', { kind: 'stale' }],
    ['model', { model: 'gpt-4o' }],
    ['model that answered', { answeredModel: null }],
    ['answer', { responseId: 'chatcmpl-2' }],
    ['tier', { serviceTier: 'flex' }],
    ['usage', { usage: null }],
    ['identity', { identity: 'b'.repeat(64) }],
    ['simulation', { simulated: true }],
  ])('trap 20: never adds hits of another %s to a line', async (_, different) => {
    const ledger = ledgerOn(store);
    ledger.reused(sampleHit());
    ledger.reused(sampleHit(different));
    ledger.reused(sampleHit({ userId: 'x', clienteId: 'y 1:z' }));
    ledger.reused(sampleHit({ userId: 'x 3:y', clienteId: 'z' }));
    await ledger.flush();
    expect([...store.reuse.values()].map(({ hits }) => hits)).toEqual([1, 1, 1, 1]);
  });

  it('begins a new line with the day, because prices may change with it', async () => {
    jest.setSystemTime(new Date('2026-11-21T23:59:59.900Z'));
    const ledger = ledgerOn(store);
    ledger.reused(sampleHit());
    await jest.advanceTimersByTimeAsync(200);
    ledger.reused(sampleHit());
    await ledger.flush();
    expect([...store.reuse.values()].map(({ reused_at, hits }) => [reused_at.slice(0, 10), hits])).toEqual([
      ['2026-11-21', 1],
      ['2026-11-22', 1],
    ]);
  });

  it('reserves numbers ahead, and asks for more before they are used up', async () => {
    const ledger = ledgerOn(store, { minReservedHits: 10 });
    await ledger.start();
    expect(store.processes.get(ledger.processId)?.hitsReserved).toBe(10);
    for (let hit = 0; hit < 6; hit += 1) ledger.reused(sampleHit());
    await settleMicrotasks();
    expect(store.processes.get(ledger.processId)).toMatchObject({ hitsWritten: 6 });
    expect(store.processes.get(ledger.processId)?.hitsReserved).toBeGreaterThanOrEqual(16);
  });

  it('sends full statements at once and what is left over by the clock', async () => {
    const ledger = ledgerOn(store, { linesPerStatement: 10 });
    await ledger.start();
    for (let hit = 0; hit < 25; hit += 1) ledger.reused(sampleHit({ userId: `user-${hit}` }));
    await settleMicrotasks();
    expect(store.reuseStatements).toEqual([0, 10, 10]);
    await jest.advanceTimersByTimeAsync(500);
    expect(store.reuseStatements).toEqual([0, 10, 10, 5]);
    expect(store.hits).toBe(25);
  });

  it('gives up the one line that PostgreSQL refuses and writes the others', async () => {
    const rejected: string[] = [];
    const ledger = ledgerOn(store, {}, { lineRejected: (kind) => rejected.push(kind) });
    for (const model of ['gpt-4o-mini', 'gpt-4o-mini', 'poison', 'gpt-4o-mini']) ledger.reused(sampleHit({ model }));
    store.poison = 'poison';
    await ledger.flush();
    expect([store.hits, ledger.state.bufferedHits, ledger.state.droppedHits, rejected]).toEqual([3, 0, 1, ['reuse']]);
    expect(ledger.state.databaseAnswers).toBe(true);
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
