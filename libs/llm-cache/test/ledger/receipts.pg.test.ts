import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { sql } from 'kysely';
import type { SavingsReceipt } from '../../src/ledger/savings-receipt.js';
import { LedgerApplication } from './ledger-application.js';
import { SAMPLE_COST, sampleCall, sampleHit, sampleOutcome, sampleUsage } from './sample-facts.js';

/** As the platform names requests: the moment first. */
function requestIdAt(moment: number, n: number): string {
  const time = moment.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(n).padStart(12, '0')}`;
}

describe('receipts', () => {
  let database: TestDatabase;
  let ours: LedgerApplication;
  let answers = 0;

  beforeAll(async () => {
    database = await createDatabase();
    ours = await LedgerApplication.start(database.url);
  });

  afterAll(async () => {
    await ours.close();
    await database.drop();
  });

  const receipt = async (id: string, headers: Record<string, string> = {}): Promise<SavingsReceipt> => {
    const answer = await ours.get(`/v1/savings/receipts/${encodeURIComponent(id)}`, headers);
    expect(answer.status).toBe(200);
    return answer.json() as SavingsReceipt;
  };

  /** A call and some hits of its answer. */
  async function bookAnswer(hits: readonly object[]): Promise<{ responseId: string; callRequest: string }> {
    answers += 1;
    const responseId = `chatcmpl-${answers}`;
    const callRequest = requestIdAt(Date.now(), answers * 1000);
    const call = await ours.ledger.begin(sampleCall({ requestId: callRequest }));
    call.settle(sampleOutcome({ responseId }));
    for (const hit of hits) ours.ledger.reused(sampleHit({ responseId, ...hit }));
    return { responseId, callRequest };
  }

  it('say why a response was a hit, its age, what it avoided, and which call had paid for it', async () => {
    const ids = [1, 2, 3].map((n) => requestIdAt(Date.now(), n));
    const { responseId, callRequest } = await bookAnswer([
      { requestId: ids[0], ageSeconds: 7 },
      { requestId: ids[1], ageSeconds: 8 },
      { requestId: ids[2], kind: 'coalesced', ageSeconds: null },
    ]);
    const second = await receipt(ids[1] as string);
    expect(second).toMatchObject({
      id_of: 'request',
      outcome: 'hit',
      why: expect.stringContaining('answered before'),
      age_seconds: 8,
      tenant: 'acme',
      response_id: responseId,
      avoided: {
        usd: '0.000027',
        tokens: { input_tokens: 100, output_tokens: 20, cached_input_tokens: 0, cache_write_5m_tokens: null },
        usd_per_million_tokens: { input: '0.15', cached_input: '0.075', output: '0.6' },
        unpriced_because: null,
      },
      call: { status: 'completed', request_id: callRequest, spent: { usd: '0.000027' } },
    });
    expect(BigInt(Math.round(Number(second.avoided?.usd) * 1e9))).toBe(SAMPLE_COST);
    expect(Math.abs(Date.parse(second.at) - Date.now())).toBeLessThan(60_000);
    expect(await receipt(ids[0] as string)).toMatchObject({ age_seconds: 7 });
    expect(await receipt(ids[2] as string)).toMatchObject({ outcome: 'coalesced', age_seconds: null });
  });

  it('tell what of an answer was there from what was asked for', async () => {
    const requestId = requestIdAt(Date.now(), 41);
    const usage = { ...sampleUsage(30, 0), cachedInputTokens: null };
    const asked = { route: '/v1/embeddings', model: 'text-embedding-3-small', client: 'embeds', requestId };
    const call = await ours.ledger.begin(sampleCall(asked));
    call.settle(sampleOutcome({ model: asked.model, usage: { ...usage, inputTokens: 10 } }));
    ours.ledger.reused(sampleHit({ ...asked, answeredModel: asked.model, usage, part: true, ageSeconds: 5 }));
    expect(await receipt(requestId)).toMatchObject({
      outcome: 'part',
      why: expect.stringContaining('for the rest the provider was asked'),
      age_seconds: 5,
      avoided: { tokens: { input_tokens: 30 }, usd: '0.0000006' },
      call: { spent: { tokens: { input_tokens: 10 }, usd: '0.0000002' } },
    });
    const { groups } = (await ours.get('/v1/savings?group_by=client')).json() as { groups: { key: string }[] };
    expect(groups.find(({ key }) => key === 'embeds')).toMatchObject({
      requests: 1,
      hits: 0,
      partial_hits: 1,
      coalesced: 0,
      upstream_calls: 1,
      spent: { input_tokens: 10 },
      avoided: { input_tokens: 30 },
    });
  });

  it('take an old part for a part, where the rest was asked for and came', async () => {
    const requestId = requestIdAt(Date.now(), 43);
    const call = await ours.ledger.begin(sampleCall({ requestId }));
    call.settle(sampleOutcome({ usage: sampleUsage(10, 0) }));
    ours.ledger.reused(sampleHit({ requestId, kind: 'stale', part: true, ageSeconds: 90 }));
    expect(await receipt(requestId)).toMatchObject({ outcome: 'part', call: { status: 'completed' } });
  });

  it('count a request once whose call failed and that was given an old answer', async () => {
    const requestId = requestIdAt(Date.now(), 42);
    const asked = { client: 'patient', requestId };
    const call = await ours.ledger.begin(sampleCall(asked));
    call.settle(sampleOutcome({ status: 'failed', usage: null, httpStatus: 500 }));
    ours.ledger.reused(sampleHit({ ...asked, kind: 'stale', part: true, ageSeconds: 90 }));
    expect(await receipt(requestId)).toMatchObject({
      outcome: 'stale',
      why: expect.stringContaining('was asked and failed'),
      age_seconds: 90,
    });
    const { groups } = (await ours.get('/v1/savings?group_by=client')).json() as { groups: { key: string }[] };
    expect(groups.find(({ key }) => key === 'patient')).toMatchObject({ requests: 1, hits: 0, partial_hits: 1 });
  });

  it('say nothing of what can have no name', async () => {
    expect((await ours.get('/v1/savings/receipts/a%00b')).status).toBe(404);
    expect((await ours.get('/v1/savings?tenant=a%00b')).status).toBe(404);
  });

  it('have no amount where the provider billed more than it counted', async () => {
    const requestId = requestIdAt(Date.now(), 51);
    const call = await ours.ledger.begin(sampleCall({ requestId }));
    call.settle(sampleOutcome({ usage: { ...sampleUsage(100, 20), billedBeside: true } }));
    expect(await receipt(requestId)).toMatchObject({
      call: { spent: { usd: null, unpriced_because: 'billed_beside', tokens: { input_tokens: 100 } } },
    });
  });

  it('say of a response that was none that it was a call, and what that cost', async () => {
    const { callRequest, responseId } = await bookAnswer([]);
    for (const id of [callRequest, responseId]) {
      expect(await receipt(id)).toMatchObject({
        outcome: 'call',
        why: expect.stringContaining('Nothing could be reused'),
        avoided: null,
        call: { spent: { usd: '0.000027' } },
      });
    }
  });

  it('find an answer by its own id: its last hit, and its call', async () => {
    const { responseId } = await bookAnswer([
      { requestId: requestIdAt(Date.now(), 11), ageSeconds: 1 },
      { requestId: requestIdAt(Date.now(), 12), ageSeconds: 2 },
    ]);
    expect(await receipt(responseId)).toMatchObject({
      id_of: 'answer',
      outcome: 'hit',
      age_seconds: 2,
      call: { status: 'completed' },
    });
  });

  it('find a request by an id of the caller’s own, which says no time', async () => {
    await bookAnswer([{ requestId: 'checkout/7:a', ageSeconds: 3 }]);
    expect(await receipt('checkout/7:a')).toMatchObject({ id_of: 'request', age_seconds: 3 });
  });

  it('find it however long ago, where they are told when', async () => {
    await bookAnswer([{ requestId: 'checkout/8', ageSeconds: 3 }]);
    await receipt('checkout/8');
    const db = ours.database.as<Record<string, never>>();
    await sql`
      update ledger_reuse set reused_at = '2026-03-04T05:06:07Z' where 'checkout/8' = any(request_ids)`.execute(db);
    const path = '/v1/savings/receipts/checkout%2F8';
    expect((await ours.get(path)).status).toBe(404);
    for (const span of ['from=2026-03-04&to=2026-03-04', 'from=2026-03-01']) {
      expect((await ours.get(`${path}?${span}`)).json()).toMatchObject({ age_seconds: 3, at: expect.any(String) });
    }
    expect((await ours.get(`${path}?from=2026-03-05`)).status).toBe(404);
    expect((await ours.get(`${path}?from=2026-03-05&to=2026-03-04`)).status).toBe(400);
    expect((await ours.get(`${path}?from=soon`)).status).toBe(400);
    expect((await ours.get(`${path}?from=2026-03-01`, { 'x-tenant': 'globex' })).status).toBe(404);
  });

  it('trap 20: show classes and reasons: what is unknown is null', async () => {
    const odd = requestIdAt(Date.now(), 21);
    const unknown = requestIdAt(Date.now(), 22);
    const usage = { ...sampleUsage(1000, 10, 100), cacheWrite5mTokens: 300, cacheWrite1hTokens: 500 };
    const anthropic = {
      provider: 'anthropic',
      model: 'claude-sonnet-4-5',
      answeredModel: 'claude-sonnet-4-5-20250929',
    };
    await bookAnswer([
      { ...anthropic, usage, requestId: odd, responseId: 'msg_1' },
      { model: 'nobody-knows', answeredModel: 'nobody-knows', requestId: unknown, responseId: 'x-1' },
    ]);
    // 100 × 3000 + 100 × 300 + 300 × 3750 + 500 × 6000 + 10 × 15000 nano-dollars.
    expect((await receipt(odd)).avoided).toMatchObject({ usd: '0.004605', tokens: { cache_write_1h_tokens: 500 } });
    expect((await receipt(unknown)).avoided).toMatchObject({ usd: null, unpriced_because: 'no_price' });
  });

  it('trap 7: are those of the reader’s tenant, for an administrator of all', async () => {
    const id = requestIdAt(Date.now(), 31);
    const { responseId, callRequest } = await bookAnswer([{ requestId: id }]);
    for (const one of [id, responseId, callRequest]) {
      expect((await ours.get(`/v1/savings/receipts/${one}`, { 'x-tenant': 'globex' })).status).toBe(404);
    }
    expect(await receipt(id, { 'x-admin': 'yes', 'x-tenant': 'root' })).toMatchObject({ tenant: 'acme' });
    expect((await ours.get('/v1/savings/receipts/nothing')).status).toBe(404);
    expect((await ours.get(`/v1/savings/receipts/${encodeURIComponent("x' or 1=1 --")}`)).status).toBe(404);
  });
});
