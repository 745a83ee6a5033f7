import { setTimeout as pause } from 'node:timers/promises';
import request from 'supertest';
import { apiPlaces, type ApiPlaces } from './api-places.js';
import type { TestApi } from './test-api.js';

const THINGS = ['water', 'iron', 'gold', 'mercury', 'ethanol', 'helium', 'sulfur', 'lead', 'neon', 'butane', 'xenon'];

describe('answers to other wordings over HTTP', () => {
  let places: ApiPlaces;
  let api: TestApi;
  let acme: Record<string, string>;

  beforeAll(async () => {
    // One answer for each thing, however it is asked for.
    places = await apiPlaces({
      fixtures: THINGS.map((thing) => ({
        match: { userMessage: thing },
        response: { content: `That of ${thing} is known.` },
      })),
    });
    api = await places.api();
    acme = await api.keyOf('acme', ['llm', 'analytics']);
  });
  afterAll(() => places.stop());

  const ask = (content: string) =>
    request(api.server)
      .post('/v1/chat/completions')
      .set(acme)
      .send({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })
      .expect(200);
  /** Waits until everything that can be learnt of these answers is: that is done behind them. */
  const learnt = async (answers: number): Promise<void> => {
    for (;;) {
      const { text } = await request(api.server).get('/metrics').set(api.admin).expect(200);
      const count = (series: string): number =>
        [...text.matchAll(new RegExp(`^llm_semantic_${series}.*\\} (\\d+)$`, 'gm'))].reduce(
          (sum, [, one]) => sum + Number(one),
          0,
        );
      const compared = count('requests_total\\{outcome="(?:explored|audited)"');
      if (count('learnt_total') >= answers && count('comparisons_total') >= compared) return;
      await pause(10);
    }
  };
  const feedback = (body: object, key = acme) => request(api.server).post('/v1/feedback').set(key).send(body);

  it('come when a policy wants them and they are known to be right, are booked as avoided, and can be judged', async () => {
    await request(api.server)
      .put('/v1/llm/policies/default')
      .set(api.admin)
      .send({ mode: 'all', semantic: { enabled: true, delta: 0.4, embedder: 'lexical' } })
      .expect(200);
    let served: request.Response | null = null;
    let answers = 0;
    for (const thing of THINGS) {
      for (const question of [
        `What is the boiling point of ${thing} then?`,
        `What's the boiling point of ${thing}, then?`,
      ]) {
        const response = await ask(question);
        if (response.headers['x-cache'] === 'SEMANTIC') served = response;
        else await learnt((answers += 1));
      }
    }
    expect(served?.headers['cache-status']).toMatch(/^promptsales; hit; ttl=\d+; detail=semantic$/);
    const { body } = await request(api.server).get('/v1/savings').set(acme).expect(200);
    expect((body as { total: { hits: number } }).total.hits).toBeGreaterThan(0);
    const id = String(served?.headers['x-request-id']);
    await feedback({ id, correct: true }, await api.keyOf('other', ['llm'])).expect(404);
    await feedback({ id, correct: true }).expect(200, { id, correct: true });
    await feedback({ id, correct: true }).expect(404);
  });

  it('trap 30: are counted in /metrics, where nothing names a tenant, a model or a question', async () => {
    const { text } = await request(api.server).get('/metrics').set(api.admin).expect(200);
    const lines = text.split('\n').filter((line) => line.startsWith('llm_semantic_'));
    for (const counted of [
      /^llm_semantic_requests_total\{outcome="alone".*\} [1-9]\d*$/,
      /^llm_semantic_requests_total\{outcome="explored".*\} [1-9]\d*$/,
      /^llm_semantic_requests_total\{outcome="served".*\} [1-9]\d*$/,
      /^llm_semantic_comparisons_total\{why="exploration",result="right".*\} [1-9]\d*$/,
      /^llm_semantic_partitions_closed\{.*\} 0$/,
      /^llm_semantic_learnt_total\{.*\} [1-9]\d*$/,
      /^llm_semantic_reports_total\{result="right".*\} 1$/,
      /^llm_semantic_seek_seconds_count\{.*\} [1-9]\d*$/,
    ]) {
      expect(lines.some((line) => counted.test(line))).toBe(true);
    }
    const labels = lines.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map(([, name]) => name));
    expect(new Set(labels)).toEqual(new Set(['le', 'outcome', 'result', 'service', 'why']));
    expect(lines.join('\n')).not.toMatch(/acme|other|gpt|water/);
  });

  it('are judged by whoever may ask, in a body that says so', async () => {
    await feedback({ id: 'x' }).expect(400);
    await feedback({ id: 'x', correct: 'yes' }).expect(400);
    await feedback({ id: '', correct: true }).expect(400);
    await feedback({ id: 'x', correct: true }, await api.keyOf('acme', ['records'])).expect(403);
    await request(api.server).post('/v1/feedback').send({ id: 'x', correct: true }).expect(401);
  });
});
