import { ledgerOn, settleMicrotasks } from '../../test/ledger/ledger-on.js';
import { sampleHit, SAMPLE_COST } from '../../test/ledger/sample-facts.js';
import { ScriptedStore } from '../../test/ledger/scripted-store.js';
import type { HitFacts } from './ledger.js';

describe('lines of hits', () => {
  let store: ScriptedStore;
  beforeEach(() => {
    jest.useFakeTimers({ now: new Date('2026-11-21T12:00:00Z') });
    store = new ScriptedStore();
  });
  afterEach(() => {
    jest.useRealTimers();
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

  it('gives up the one line that PostgreSQL refuses and writes the others', async () => {
    const rejected: string[] = [];
    const ledger = ledgerOn(store, {}, { lineRejected: (kind) => rejected.push(kind) });
    for (const model of ['gpt-4o-mini', 'gpt-4o-mini', 'poison', 'gpt-4o-mini']) ledger.reused(sampleHit({ model }));
    store.poison = 'poison';
    await ledger.flush();
    expect([store.hits, ledger.state.bufferedHits, ledger.state.droppedHits, rejected]).toEqual([3, 0, 1, ['reuse']]);
    expect(ledger.state.databaseAnswers).toBe(true);
  });

  it('counts hits once where a part of their batch was written and another part was not', async () => {
    const rejected: string[] = [];
    const ledger = ledgerOn(store, {}, { lineRejected: (kind) => rejected.push(kind) });
    for (const model of ['poison', 'gpt-4o-mini', 'gpt-4o', 'gpt-4o']) ledger.reused(sampleHit({ model }));
    store.poison = 'poison';
    const write = store.writeReuse.bind(store);
    jest.spyOn(store, 'writeReuse').mockImplementation(async (rows, progress) => {
      if (rows.length === 1 && rows[0]?.model === 'gpt-4o') throw new Error('connection refused');
      await write(rows, progress);
    });
    await expect(ledger.flush()).rejects.toThrow('connection refused');
    expect(store.hits).toBe(1);
    jest.restoreAllMocks();
    await ledger.flush();
    expect(store.hits).toBe(3);
    expect(rejected).toEqual(['reuse']);
    expect(ledger.state).toMatchObject({ bufferedHits: 0, droppedHits: 1 });
    expect(store.processes.get(ledger.processId)).toMatchObject({ hitsIssued: 4, hitsWritten: 3, hitsDropped: 1 });
  });
});
