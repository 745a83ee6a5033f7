import { SECRETS } from '../test-api.js';
import { MESSAGES } from './held-upstream.js';
import { jobsStage, type JobsStage } from './jobs-stage.js';

describe('generation jobs', () => {
  let stage: JobsStage;

  beforeAll(async () => {
    // The only worker loses no job to another, however busy the machine is.
    stage = await jobsStage({ JOBS_STALLED_AFTER_MS: '60000', TTL_LOCK_CONTENT_GENERATION: '60' });
    await stage.worker();
  });
  afterAll(() => stage.stop());
  beforeEach(() => stage.clear());

  const enqueue = async (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    stage.api('/v1/queues/ai_generation', { method: 'POST', body: JSON.stringify(body), headers });

  test('generate what an application pushes, in the documented copies', async () => {
    await stage.push({ campana_id: 'c1', segmento: 'jóvenes' }, 'high');
    const [job] = await stage.settled(1, 'completed');
    const answer = (await (await stage.api('/v1/campaigns/c1/messages')).json()) as {
      segments: { segmento_hash: string; segmento: string; job_id: string; messages: unknown; generation: object }[];
    };
    const [segment] = answer.segments;
    expect(segment).toMatchObject({ segmento: 'jóvenes', job_id: job?.id, messages: MESSAGES });
    expect(segment?.generation).toMatchObject({ tokens_total: 100, segmentos_procesados: 1 });
    const list = `ai:campaign_messages:c1:${segment?.segmento_hash}`;
    const meta = `ai:generation:meta:c1:${segment?.segmento_hash}`;
    expect((await stage.rawCopies.lrange(list, 0, -1)).map((item) => JSON.parse(item) as unknown)).toEqual(MESSAGES);
    const fields = await stage.rawCopies.hgetall(meta);
    expect(Object.keys(fields).toSorted()).toEqual([
      'cost_total_usd',
      'fecha_generacion',
      'segmentos_procesados',
      'tiempo_total_ms',
      'tokens_total',
    ]);
    expect(fields['tokens_total']).toBe('100');
    for (const key of [list, meta]) {
      const ttl = await stage.rawCopies.ttl(key);
      expect(ttl).toBeGreaterThan(10_700);
      expect(ttl).toBeLessThanOrEqual(10_800);
    }
    const identity = await stage.api('/v1/keyspace/identity', {
      method: 'POST',
      body: JSON.stringify({ family: 'ai.campaign_messages', request: { campana_id: 'c1', segmento: 'jóvenes' } }),
    });
    expect(await identity.json()).toMatchObject({ key: list });
    expect(await (await stage.api(`/v1/cache/${encodeURIComponent(list)}`)).json()).toEqual(MESSAGES);
    expect(stage.upstream.asked[0]?.body['response_format']).toMatchObject({ type: 'json_schema' });
  });

  test('are followed on another process when the one that tells of them ends, which does not wait for that', async () => {
    const { promise: asked, resolve: answer } = Promise.withResolvers<void>();
    stage.upstream.answer = async (answering) => {
      await asked;
      answering.say(JSON.stringify({ mensajes: MESSAGES }));
    };
    const ending = await stage.anotherApi();
    const { job_id: id } = (await (await enqueue({ campana_id: 'c9', segmento: 'x' })).json()) as { job_id: string };
    await stage.upstream.calls(1);
    const headers = { authorization: `Bearer ${SECRETS.adminKey}` };
    const following = await fetch(`${ending.address}/v1/jobs/${id}/events`, { headers });
    ending.process.child.kill('SIGTERM');
    const told = await following.text();
    expect(told).toMatch(/\nretry: [1-3]\d{3}\n: to be continued\n\n$/);
    expect(await ending.process.exited()).toMatchObject({ code: 0 });
    expect(ending.process.stderr).not.toContain('have been cut');
    answer();
    const last = [...told.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '';
    const rest = await (await stage.api(`/v1/jobs/${id}/events`, { headers: { 'last-event-id': last } })).text();
    const ids = [...`${told}${rest}`.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number));
    expect(ids).toEqual(ids.map((_id, at) => at + 1));
    expect(rest).toContain('event: completed');
  });

  test('are enqueued by HTTP, once under one key, and followed to their end', async () => {
    const body = { campana_id: 'c2', segmento: { edad: '18-25' }, priority: 'low' };
    const first = await enqueue(body, { 'idempotency-key': 'k1' });
    expect(first.status).toBe(202);
    const job = (await first.json()) as { job_id: string; state: string };
    expect(first.headers.get('location')).toBe(`/v1/jobs/${job.job_id}`);
    const again = (await (await enqueue(body, { 'idempotency-key': 'k1' })).json()) as { job_id: string };
    expect(again.job_id).toBe(job.job_id);
    expect((await enqueue({ ...body, priority: 'high' }, { 'idempotency-key': 'k1' })).status).toBe(422);
    const text = await (await stage.api(`/v1/jobs/${job.job_id}/events`)).text();
    expect([...text.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type)).toEqual([
      'queued',
      'started',
      'progress',
      'progress',
      'completed',
    ]);
    expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([1, 2, 3, 4, 5]);
    const rest = await (await stage.api(`/v1/jobs/${job.job_id}/events`, { headers: { 'last-event-id': '3' } })).text();
    expect([...rest.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([4, 5]);
    expect(await (await stage.api(`/v1/jobs/${job.job_id}`)).json()).toMatchObject({
      job_id: job.job_id,
      state: 'completed',
      progress: 100,
      attempts: 1,
      priority: 'low',
    });
    expect(stage.upstream.asked).toHaveLength(1);
  });

  test.each([
    [{}, 'campana_id'],
    [{ campana_id: 'c' }, 'segmento'],
    [{ campana_id: 'c', segmento: 'x', priority: 'urgent' }, 'priority'],
    [[], ''],
  ])('are refused where %j cannot be one', async (body, path) => {
    const reply = await enqueue(body);
    expect(reply.status).toBe(400);
    const { errors } = (await reply.json()) as { errors?: { path: string }[] };
    expect(errors?.[0]?.path ?? '').toBe(path);
  });

  test('belong to their tenant', async () => {
    const made = await stage.api('/v1/keys', {
      method: 'POST',
      body: JSON.stringify({ name: 'acme', tenant: 'acme', scopes: ['jobs'] }),
    });
    const { key } = (await made.json()) as { key: string };
    const as = { authorization: `Bearer ${key}` };
    const job = (await (await enqueue({ campana_id: 'c3', segmento: 'x' })).json()) as { job_id: string };
    for (const path of [`/v1/jobs/${job.job_id}`, `/v1/jobs/${job.job_id}/events`]) {
      expect((await stage.api(path, { headers: as })).status).toBe(404);
    }
    expect((await stage.api('/v1/jobs/none')).status).toBe(404);
    await stage.settled(1, 'completed');
    const theirs = await stage.api('/v1/campaigns/c3/messages', { headers: as });
    expect(await theirs.json()).toEqual({ campana_id: 'c3', segments: [], next_cursor: null });
    // Their own intake lies behind their name.
    await stage.raw.lpush(
      'tenant:acme:queue:ai_generation:normal',
      JSON.stringify({ campana_id: 'c3', segmento: 'x' }),
    );
    await stage.settled(2, 'completed');
    const own = (await (await stage.api('/v1/campaigns/c3/messages', { headers: as })).json()) as {
      segments: unknown[];
    };
    expect(own.segments).toHaveLength(1);
    expect(stage.upstream.asked).toHaveLength(2);
  });

  test('are tried again after a failure of the provider and after an answer that is none, which is not kept', async () => {
    stage.upstream.answer = (answering, _asked, number) => {
      if (number === 1) answering.refuse(503);
      else answering.say(number === 2 ? '{"mensajes":"none"}' : JSON.stringify({ mensajes: MESSAGES }));
    };
    await stage.push({ campana_id: 'c4', segmento: 'x' });
    const [job] = await stage.settled(1, 'completed');
    expect(job?.attempt).toBe(3);
    const text = await (await stage.api(`/v1/jobs/${job?.id}/events`)).text();
    expect([...text.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code)).toEqual([
      expect.stringMatching(/^upstream/),
      'invalid_answer',
    ]);
  });

  test('become dead letters that can be replayed', async () => {
    stage.upstream.answer = (answering) => answering.refuse(400);
    await stage.push({ campana_id: 'c5', segmento: 'x' });
    await stage.push('not JSON');
    const [job] = await stage.settled(1, 'dead');
    expect(job).toMatchObject({ attempt: 1, error_code: 'upstream_refused' });
    const letters = async (): Promise<{ id: string; kind: string; entry: string | null }[]> =>
      (
        (await (await stage.api('/v1/queues/ai_generation/dead-letters')).json()) as {
          dead_letters: { id: string; kind: string; entry: string | null }[];
        }
      ).dead_letters;
    await stage.until(async () => (await letters()).length > 1);
    expect(new Map((await letters()).map(({ kind, entry }) => [kind, entry]))).toEqual(
      new Map([
        ['entry', 'not JSON'],
        ['job', null],
      ]),
    );
    const queue = (await (await stage.api('/v1/queues/ai_generation')).json()) as {
      depth: number;
      priorities: { normal: object };
    };
    expect(queue.depth).toBe(0);
    expect(queue.priorities.normal).toEqual({ depth: 0, intake: 0, queued: 0, retrying: 0, running: 0, failed: 1 });
    stage.upstream.reset();
    const replayed = await stage.api('/v1/queues/ai_generation/dead-letters/replay', { method: 'POST', body: '{}' });
    expect(await replayed.json()).toEqual({ replayed: 1 });
    await stage.settled(1, 'completed');
    expect(await letters()).toHaveLength(1);
  });

  test('are given the model and the prompt that are stored', async () => {
    const value = { model: 'gpt-x', prompt: 'P {campana_id} {segmento} {mensajes}', mensajes: 7, params: { seed: 1 } };
    const stored = await stage.api('/api/configurations/ai_generation', {
      method: 'POST',
      body: JSON.stringify({ type: 'system', value }),
    });
    expect(stored.status).toBeLessThan(300);
    await stage.push({ campana_id: 'c6', segmento: { b: 1, a: 2 } });
    await stage.settled(1, 'completed');
    expect(stage.upstream.asked[0]).toMatchObject({
      prompt: 'P c6 {"a":2,"b":1} 7',
      body: { model: 'gpt-x', seed: 1 },
    });
  });
});
