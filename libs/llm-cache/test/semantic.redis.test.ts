/** The semantic tier at work: what it serves, what readers say of that, and what it does without Redis. */
import { RedisUnavailableError } from '@promptsales/cache-core';
import { until } from '@promptsales/test-kit';
import { DEFAULT_SEMANTIC } from '../src/index.js';
import type { GatewayProcess } from './gateway-process.js';
import { body, LENIENT, SemanticStage, told } from './semantic-stage.js';

const stage = SemanticStage.forAll();

describe('the semantic tier', () => {
  it('serves, once it is known to be right often enough, what another wording was answered', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.stored(gateway, 'What is the boiling point of neon then?');
    expect(await stage.ask(gateway, "What's the boiling point of neon, then?")).toBe('MISS');
    await until(() => told(gateway, 'learnt') === 2);
    await stage.taught(gateway);
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    const calls = gateway.ledger.calls.length;
    const response = await gateway.post(body("What's the boiling point of butane, then?"));
    expect(response.headers.get('x-cache')).toBe('SEMANTIC');
    expect(response.headers.get('cache-status')).toMatch(/^promptsales; hit; ttl=\d+; detail=semantic$/);
    expect(response.headers.get('age')).toMatch(/^\d+$/);
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'That of butane is known.' } }] });
    expect(gateway.ledger.calls).toHaveLength(calls);
    expect(gateway.ledger.hits.at(-1)).toMatchObject({
      kind: 'semantic',
      responseId: 'chatcmpl-fixed',
      usage: { inputTokens: expect.any(Number) },
    });
  });

  it('gives the official SDK the object and the stream that the provider gave', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.taught(gateway);
    const request = (content: string) => ({ model: 'gpt-4o', messages: [{ role: 'user' as const, content }] });
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    const own = await gateway.openai.chat.completions.create(request('What is the boiling point of butane then?'));
    const other = await gateway.openai.chat.completions
      .create(request("What's the boiling point of butane, then?"))
      .withResponse();
    expect(other.response.headers.get('x-cache')).toBe('SEMANTIC');
    expect(other.data).toEqual(own);
    const streamed = async (content: string) => {
      const { data, response } = await gateway.openai.chat.completions
        .create({ ...request(content), stream: true })
        .withResponse();
      const chunks = [];
      for await (const chunk of data) chunks.push(chunk);
      return { chunks, outcome: response.headers.get('x-cache') };
    };
    const exact = await streamed('What is the boiling point of butane then?');
    const semantic = await streamed("What's the boiling point of butane, then?");
    expect([exact.outcome, semantic.outcome]).toEqual(['HIT', 'SEMANTIC']);
    expect(semantic.chunks).toEqual(exact.chunks);
  });

  it('is off until a policy switches it on, and then costs an exact hit nothing', async () => {
    const off = await stage.start(undefined);
    await stage.ask(off, 'What is the boiling point of water then?');
    await stage.ask(off, "What's the boiling point of water, then?");
    expect(off.events.filter((event) => event.startsWith('semantic'))).toEqual([]);
    const on = await stage.start(LENIENT);
    await stage.ask(on, 'What is the boiling point of iron then?');
    const asked = told(on, 'semantic alone') + told(on, 'semantic explored');
    expect(await stage.ask(on, 'What is the boiling point of iron then?')).toBe('HIT');
    expect(told(on, 'semantic alone') + told(on, 'semantic explored')).toBe(asked);
  });

  it('looks for a request’s own answer once, whether or not others are sought', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.stored(gateway, 'What is the boiling point of neon then?');
    const looks = () => gateway.looks.filter((family) => family === 'llm.response').length;
    const [before, learnt] = [looks(), told(gateway, 'learnt')];
    expect(await stage.ask(gateway, 'Who sells the best umbrellas in town?')).toBe('MISS');
    await until(() => told(gateway, 'learnt') > learnt);
    // Behind the answer, what was stored is read once to be learnt from.
    expect(looks() - before).toBe(2);
  });

  it('asks the provider for audits of what it could serve, and learns from them', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.taught(gateway);
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    stage.drawn = DEFAULT_SEMANTIC.auditShare / 2;
    const compared = told(gateway, 'compared true');
    expect(await stage.ask(gateway, "What's the boiling point of butane, then?")).toBe('MISS');
    await until(() => told(gateway, 'compared true') > compared);
  });

  it('finds in one process what another has stored and learnt', async () => {
    const one = await stage.start(LENIENT);
    await stage.taught(one);
    await stage.stored(one, 'What is the boiling point of butane then?');
    const other = await stage.start(LENIENT);
    expect(await stage.ask(other, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    await stage.stored(other, 'What is the boiling point of neon then?');
    expect(await stage.ask(one, "What's the boiling point of neon, then?")).toBe('SEMANTIC');
  });

  it('serves nothing that was invalidated', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.taught(gateway);
    await stage.stored(gateway, 'What is the boiling point of butane then?', {}, { 'x-cache-tags': 'b' });
    expect(await stage.ask(gateway, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    await gateway.cache.invalidateTag('b', 'acme');
    expect(await stage.ask(gateway, "What's the boiling point of butane, then?")).toBe('MISS');
  });

  it('heeds max-age and no-cache', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.taught(gateway);
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    const other = "What's the boiling point of butane, then?";
    expect(await stage.ask(gateway, other, {}, { 'cache-control': 'max-age=60' })).toBe('SEMANTIC');
    expect(await stage.ask(gateway, other, {}, { 'cache-control': 'no-store' })).toBe('BYPASS');
    await gateway.untilOlder(body('What is the boiling point of butane then?'), 0);
    expect(await stage.ask(gateway, other, {}, { 'cache-control': 'max-age=0' })).toBe('MISS');
    expect(await stage.ask(gateway, other, {}, { 'cache-control': 'no-cache' })).toBe('REFRESH');
  });
});

describe('without Redis', () => {
  const QUESTION = 'What is the boiling point of butane then?';
  const OTHER = "What's the boiling point of butane, then?";

  it('there is a miss at once, and what was learnt serves again when it is back', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.taught(gateway);
    await stage.stored(gateway, QUESTION);
    expect(await stage.ask(gateway, OTHER)).toBe('SEMANTIC');
    const failed = () => gateway.events.filter((event) => event.startsWith('failed'));
    await stage.redis.kill();
    const calls = gateway.ledger.calls.length;
    // Its deadline is a minute away: whoever waited for it would not see the end of this test.
    expect(await stage.ask(gateway, OTHER)).toBe('MISS');
    expect(gateway.ledger.calls).toHaveLength(calls + 1);
    expect(failed()).toEqual([]);
    await stage.redis.restart();
    await gateway.redisUp();
    await stage.taught(gateway, { seed: 1 });
    await stage.stored(gateway, QUESTION, { seed: 1 });
    expect(await stage.ask(gateway, OTHER, { seed: 1 })).toBe('SEMANTIC');
  });

  it.each(['semantic:evidence', 'semantic:questions'])(
    'there is a miss when it goes away before %s is read',
    async (name) => {
      const gateway = await stage.start(LENIENT);
      await stage.taught(gateway);
      await stage.stored(gateway, QUESTION);
      const link = gateway.roles.link('state');
      const really = link.readAt.bind(link);
      const spied = jest.spyOn(link, 'readAt').mockImplementation((key, ...read) => {
        if (key.includes(name)) return Promise.reject(new RedisUnavailableError('away', link.name));
        return really(key, ...read);
      });
      expect(await stage.ask(gateway, OTHER)).toBe('MISS');
      expect(told(gateway, 'semantic away')).toBe(1);
      spied.mockRestore();
      expect(gateway.events.filter((event) => event.startsWith('failed'))).toEqual([]);
    },
  );

  it('that hangs, a miss costs no more than the deadline', async () => {
    const teacher = await stage.start(LENIENT);
    await stage.taught(teacher);
    await stage.stored(teacher, QUESTION);
    const gateway = await stage.start(LENIENT, { deadlineMs: 300 });
    const link = gateway.roles.link('state');
    const spied = jest.spyOn(link, 'readAt').mockReturnValue(new Promise(() => {}));
    expect(await stage.ask(gateway, OTHER)).toBe('MISS');
    expect(told(gateway, 'semantic late')).toBe(1);
    spied.mockRestore();
  });
});

describe('feedback', () => {
  async function give(gateway: GatewayProcess, id: unknown, correct: unknown, tenant = 'acme'): Promise<number> {
    const response = await gateway.post({ id, correct }, { 'x-test-tenant': tenant }, null, '/v1/feedback');
    await response.text();
    return response.status;
  }

  it('that an answer was wrong ends its being served, and counts once', async () => {
    const gateway = await stage.start({ ...LENIENT, delta: 0.3 });
    for (let round = 0; round < 2; round += 1) await stage.taught(gateway, { seed: round });
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    const other = "What's the boiling point of butane, then?";
    expect(await stage.ask(gateway, other)).toBe('SEMANTIC');
    await until(
      async () =>
        (await give(gateway, 'chatcmpl-fixed', false, 'other')) === 404 &&
        (await give(gateway, 'chatcmpl-fixed', false)) === 200,
    );
    expect(await give(gateway, 'chatcmpl-fixed', false)).toBe(404);
    expect(await stage.ask(gateway, other)).toBe('MISS');
  });

  it('counts once, however many give it at a time and by which name', async () => {
    const gateway = await stage.start({ ...LENIENT, delta: 0.3 });
    for (let round = 0; round < 2; round += 1) await stage.taught(gateway, { seed: round });
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    const response = await gateway.post(body("What's the boiling point of butane, then?"));
    await response.text();
    expect(response.headers.get('x-cache')).toBe('SEMANTIC');
    const own = response.headers.get('x-request-id') ?? 'chatcmpl-fixed';
    const names = [own, 'chatcmpl-fixed', own, 'chatcmpl-fixed', own];
    let statuses: number[] = [];
    await until(async () => {
      statuses = await Promise.all(names.map((id) => give(gateway, id, true)));
      return statuses.includes(200);
    });
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });

  it('about anything else is 404', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.ask(gateway, 'What is the boiling point of water then?');
    expect(await give(gateway, 'chatcmpl-fixed', true)).toBe(404);
  });
});
