/** The semantic tier at work: what it serves, what it must never serve, and what it does when its parts fail. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LLMock } from '@copilotkit/aimock';
import { RedisUnavailableError } from '@promptsales/cache-core';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { DEFAULT_POLICY, DEFAULT_SEMANTIC, type CachePolicy, type SemanticPolicy } from '../src/index.js';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';

const ANSWER = { id: 'chatcmpl-fixed', created: 7, systemFingerprint: 'fp_1' };
const THINGS = ['water', 'iron', 'gold', 'mercury', 'ethanol', 'helium', 'sulfur', 'lead', 'neon', 'butane'];
/** What chance draws: at 0 the provider is asked whatever could be served, at 1 it is not. */
let drawn = 1;
const random = () => drawn;

const mock = new LLMock({ port: 0, chunkSize: 5 });
let redis: TestRedis;
const running: GatewayProcess[] = [];

beforeAll(async () => {
  for (const thing of THINGS) mock.onMessage(new RegExp(thing), { content: `That of ${thing} is known.`, ...ANSWER });
  mock.onMessage(/./, { content: 'It depends.', ...ANSWER });
  await mock.start();
});
beforeEach(async () => {
  drawn = 1;
  redis = await startRedis();
  mock.clearRequests();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((process) => process.stop()));
});
afterAll(() => mock.stop());

/** Half of what is served may be wrong: eight right answers show it, and bear a wrong one. */
const LENIENT: SemanticPolicy = { enabled: true, delta: 0.5, embedder: 'lexical' };

async function start(
  semantic: SemanticPolicy | undefined,
  options: Partial<GatewayProcessOptions> = {},
): Promise<GatewayProcess> {
  const policy: CachePolicy = semantic === undefined ? DEFAULT_POLICY : { ...DEFAULT_POLICY, semantic };
  const started = await GatewayProcess.start({
    redisUrl: redis.url,
    providerUrl: `${mock.url}/v1`,
    policies: [policy],
    semantic: { random },
    ...options,
  });
  running.push(started);
  return started.redisUp();
}

function body(content: unknown, more: object = {}): object {
  return { model: 'gpt-4o', messages: [{ role: 'user', content }], ...more };
}

async function ask(gateway: GatewayProcess, content: unknown, more: object = {}, headers = {}): Promise<string> {
  const response = await gateway.post(body(content, more), headers);
  await response.text();
  expect(response.status).toBe(200);
  return String(response.headers.get('x-cache'));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function told(gateway: GatewayProcess, event: string): number {
  return gateway.events.filter((one) => one === event).length;
}

/** Asks a question for the first time, and waits until its answer may serve others. */
async function stored(gateway: GatewayProcess, content: string, more: object = {}, headers = {}): Promise<void> {
  const before = told(gateway, 'learnt');
  drawn = 0;
  await ask(gateway, content, more, headers);
  await until(() => told(gateway, 'learnt') > before);
  drawn = 1;
}

/** Pairs of wordings with one answer, until answers of one are known to do for the other. */
async function taught(gateway: GatewayProcess, more: object = {}, headers = {}): Promise<void> {
  for (const thing of THINGS.slice(0, 8)) {
    const compared = told(gateway, 'compared true');
    await stored(gateway, `What is the boiling point of ${thing} then?`, more, headers);
    await stored(gateway, `What's the boiling point of ${thing}, then?`, more, headers);
    await until(() => told(gateway, 'compared true') > compared);
  }
}

describe('the semantic tier', () => {
  it('serves, once it is known to be right often enough, what another wording was answered', async () => {
    const gateway = await start(LENIENT);
    await stored(gateway, 'What is the boiling point of neon then?');
    expect(await ask(gateway, "What's the boiling point of neon, then?")).toBe('MISS');
    await until(() => told(gateway, 'learnt') === 2);
    await taught(gateway);
    await stored(gateway, 'What is the boiling point of butane then?');
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
    const gateway = await start(LENIENT);
    await taught(gateway);
    const request = (content: string) => ({ model: 'gpt-4o', messages: [{ role: 'user' as const, content }] });
    await stored(gateway, 'What is the boiling point of butane then?');
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
    const off = await start(undefined);
    await ask(off, 'What is the boiling point of water then?');
    await ask(off, "What's the boiling point of water, then?");
    expect(off.events.filter((event) => event.startsWith('semantic'))).toEqual([]);
    const on = await start(LENIENT);
    await ask(on, 'What is the boiling point of iron then?');
    const asked = told(on, 'semantic alone') + told(on, 'semantic explored');
    expect(await ask(on, 'What is the boiling point of iron then?')).toBe('HIT');
    expect(told(on, 'semantic alone') + told(on, 'semantic explored')).toBe(asked);
  });

  it('looks for a request’s own answer once, whether or not others are sought', async () => {
    const gateway = await start(LENIENT);
    await stored(gateway, 'What is the boiling point of neon then?');
    const looks = () => gateway.looks.filter((family) => family === 'llm.response').length;
    const [before, learnt] = [looks(), told(gateway, 'learnt')];
    expect(await ask(gateway, 'Who sells the best umbrellas in town?')).toBe('MISS');
    await until(() => told(gateway, 'learnt') > learnt);
    // Behind the answer, what was stored is read once to be learnt from.
    expect(looks() - before).toBe(2);
  });

  it('asks the provider for audits of what it could serve, and learns from them', async () => {
    const gateway = await start(LENIENT);
    await taught(gateway);
    await stored(gateway, 'What is the boiling point of butane then?');
    drawn = DEFAULT_SEMANTIC.auditShare / 2;
    const compared = told(gateway, 'compared true');
    expect(await ask(gateway, "What's the boiling point of butane, then?")).toBe('MISS');
    await until(() => told(gateway, 'compared true') > compared);
  });

  it('finds in one process what another has stored and learnt', async () => {
    const one = await start(LENIENT);
    await taught(one);
    await stored(one, 'What is the boiling point of butane then?');
    const other = await start(LENIENT);
    expect(await ask(other, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    await stored(other, 'What is the boiling point of neon then?');
    expect(await ask(one, "What's the boiling point of neon, then?")).toBe('SEMANTIC');
  });

  it('serves nothing that was invalidated', async () => {
    const gateway = await start(LENIENT);
    await taught(gateway);
    await stored(gateway, 'What is the boiling point of butane then?', {}, { 'x-cache-tags': 'b' });
    expect(await ask(gateway, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    await gateway.cache.invalidateTag('b', 'acme');
    expect(await ask(gateway, "What's the boiling point of butane, then?")).toBe('MISS');
  });

  it('heeds max-age and no-cache', async () => {
    const gateway = await start(LENIENT);
    await taught(gateway);
    await stored(gateway, 'What is the boiling point of butane then?');
    const other = "What's the boiling point of butane, then?";
    expect(await ask(gateway, other, {}, { 'cache-control': 'max-age=60' })).toBe('SEMANTIC');
    expect(await ask(gateway, other, {}, { 'cache-control': 'no-store' })).toBe('BYPASS');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ask(gateway, other, {}, { 'cache-control': 'max-age=0' })).toBe('MISS');
    expect(await ask(gateway, other, {}, { 'cache-control': 'no-cache' })).toBe('REFRESH');
  });
});

describe('without Redis', () => {
  const QUESTION = 'What is the boiling point of butane then?';
  const OTHER = "What's the boiling point of butane, then?";

  it('there is a miss at once, and what was learnt serves again when it is back', async () => {
    const gateway = await start(LENIENT, { semantic: { random, settings: { deadlineMs: 60_000 } } });
    await taught(gateway);
    await stored(gateway, QUESTION);
    expect(await ask(gateway, OTHER)).toBe('SEMANTIC');
    const failed = () => gateway.events.filter((event) => event.startsWith('failed'));
    await redis.kill();
    const calls = gateway.ledger.calls.length;
    // Its deadline is a minute away: whoever waited for it would not see the end of this test.
    expect(await ask(gateway, OTHER)).toBe('MISS');
    expect(gateway.ledger.calls).toHaveLength(calls + 1);
    expect(failed()).toEqual([]);
    await redis.restart();
    await gateway.redisUp();
    await taught(gateway, { seed: 1 });
    await stored(gateway, QUESTION, { seed: 1 });
    expect(await ask(gateway, OTHER, { seed: 1 })).toBe('SEMANTIC');
  });

  it.each(['semantic:evidence', 'semantic:questions'])(
    'there is a miss when it goes away before %s is read',
    async (name) => {
      const gateway = await start(LENIENT);
      await taught(gateway);
      await stored(gateway, QUESTION);
      const link = gateway.roles.link('state');
      const really = link.readAt.bind(link);
      const spied = jest.spyOn(link, 'readAt').mockImplementation((key, ...read) => {
        if (key.includes(name)) return Promise.reject(new RedisUnavailableError('away', link.name));
        return really(key, ...read);
      });
      expect(await ask(gateway, OTHER)).toBe('MISS');
      expect(told(gateway, 'semantic away')).toBe(1);
      spied.mockRestore();
      expect(gateway.events.filter((event) => event.startsWith('failed'))).toEqual([]);
    },
  );

  it('that hangs, a miss costs no more than the deadline', async () => {
    const gateway = await start(LENIENT, { semantic: { random, settings: { deadlineMs: 1_000 } } });
    await taught(gateway);
    await stored(gateway, QUESTION);
    const link = gateway.roles.link('state');
    const spied = jest.spyOn(link, 'readAt').mockReturnValue(new Promise(() => {}));
    expect(await ask(gateway, OTHER)).toBe('MISS');
    expect(told(gateway, 'semantic late')).toBe(1);
    spied.mockRestore();
  });
});

describe('trap 19: the semantic tier never serves', () => {
  it.each([
    ['the opposite', 'How do I enable 2FA for my account?', 'How do I disable 2FA for my account?'],
    [
      'the opposite by a prefix',
      'How can I subscribe to your weekly news?',
      'How can I unsubscribe to your weekly news?',
    ],
    ['another number', 'What is the limit for 500 requests a day?', 'What is the limit for 5000 requests a day?'],
    ['another version', 'How do I install Python 3.11 on my machine?', 'How do I install Python 3.12 on my machine?'],
    ['another name', 'What did Ana Gómez say in the meeting?', 'What did Ana Pérez say in the meeting?'],
    ['a negation', 'Which plans are included in the offer?', 'Which plans are not included in the offer?'],
    ['a negation in a contraction', 'Why can I log in here today?', "Why can't I log in here today?"],
    [
      'the other direction',
      'How many euros is it from dollars to euros?',
      'How many euros is it from euros to dollars?',
    ],
    ['una negación', '¿Qué planes incluye la oferta de hoy?', '¿Qué planes no incluye la oferta de hoy?'],
  ])('%s, however much it has learnt', async (_what, one, other) => {
    const gateway = await start({ ...LENIENT, delta: 0.9 });
    await taught(gateway);
    await stored(gateway, one);
    expect(await ask(gateway, other)).toBe('MISS');
    expect(told(gateway, 'semantic served')).toBe(0);
  });

  it('an agent its own previous turn, nor anything where there is a history, a tool’s result or an image', async () => {
    const gateway = await start({ ...LENIENT, delta: 0.9 });
    await taught(gateway);
    const first = { role: 'user', content: 'What is the boiling point of butane then?' };
    await stored(gateway, first.content);
    const histories = [
      [
        first,
        { role: 'assistant', content: 'That of butane is known.' },
        { role: 'user', content: 'And then, again?' },
      ],
      [first, { role: 'assistant', content: 'That of butane is known.' }, first],
      [first, { role: 'tool', tool_call_id: 'c', content: '7' }],
      [
        { role: 'assistant', content: 'Hello' },
        { ...first, content: "What's the boiling point of butane, then?" },
      ],
      [
        {
          ...first,
          content: [
            { type: 'text', text: "What's the boiling point of butane, then?" },
            { type: 'image_url', image_url: { url: 'data:,' } },
          ],
        },
      ],
    ];
    for (const messages of histories) {
      const response = await gateway.post({ model: 'gpt-4o', messages });
      await response.text();
      expect(response.headers.get('x-cache')).toBe('MISS');
    }
    expect(told(gateway, 'semantic ineligible')).toBe(histories.length);
  });

  it('across tenants, whatever their names and texts are', async () => {
    const gateway = await start(LENIENT);
    await taught(gateway);
    await stored(gateway, 'What is the boiling point of butane then?');
    const asked = "What's the boiling point of butane, then?";
    for (const tenant of ['other', 'acme2', 'acme:What', 'default']) {
      expect(await ask(gateway, asked, {}, { 'x-test-tenant': tenant })).toBe('MISS');
    }
    // What one tenant has shown says nothing of another's answers either.
    await stored(gateway, 'What is the boiling point of neon then?', {}, { 'x-test-tenant': 'late' });
    expect(await ask(gateway, "What's the boiling point of neon, then?", {}, { 'x-test-tenant': 'late' })).toBe('MISS');
    expect(await ask(gateway, asked)).toBe('SEMANTIC');
  });

  it('across anything else that the answer may depend on', async () => {
    const gateway = await start(LENIENT);
    await taught(gateway);
    await stored(gateway, 'What is the boiling point of butane then?');
    const other = "What's the boiling point of butane, then?";
    for (const more of [
      { temperature: 0.5 },
      { model: 'gpt-4o-mini' },
      { seed: 1 },
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      { response_format: { type: 'json_object' } },
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: other },
        ],
      },
    ]) {
      expect(await ask(gateway, other, more)).toBe('MISS');
    }
    expect(await ask(gateway, other, {}, { 'x-cache-namespace': 'n' })).toBe('MISS');
    expect(await ask(gateway, other)).toBe('SEMANTIC');
  });
});

describe('feedback', () => {
  async function give(gateway: GatewayProcess, id: unknown, correct: unknown, tenant = 'acme'): Promise<number> {
    const response = await gateway.post({ id, correct }, { 'x-test-tenant': tenant }, null, '/v1/feedback');
    await response.text();
    return response.status;
  }

  it('that an answer was wrong ends its being served, and counts once', async () => {
    const gateway = await start({ ...LENIENT, delta: 0.3 });
    for (let round = 0; round < 2; round += 1) await taught(gateway, { seed: round });
    await stored(gateway, 'What is the boiling point of butane then?');
    const other = "What's the boiling point of butane, then?";
    expect(await ask(gateway, other)).toBe('SEMANTIC');
    await until(
      async () =>
        (await give(gateway, 'chatcmpl-fixed', false, 'other')) === 404 &&
        (await give(gateway, 'chatcmpl-fixed', false)) === 200,
    );
    expect(await give(gateway, 'chatcmpl-fixed', false)).toBe(404);
    expect(await ask(gateway, other)).toBe('MISS');
  });

  it('counts once, however many give it at a time and by which name', async () => {
    const gateway = await start({ ...LENIENT, delta: 0.3 });
    for (let round = 0; round < 2; round += 1) await taught(gateway, { seed: round });
    await stored(gateway, 'What is the boiling point of butane then?');
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
    const gateway = await start(LENIENT);
    await ask(gateway, 'What is the boiling point of water then?');
    expect(await give(gateway, 'chatcmpl-fixed', true)).toBe(404);
  });
});

describe('an embeddings endpoint', () => {
  let endpoint: Server;
  let behave: (respond: (status: number, body: unknown) => void, input: string[]) => void;
  let asked = 0;
  const vectorOf = (text: string): number[] => THINGS.map((thing) => (text.includes(thing) ? 1 : 0.01));

  beforeEach(async () => {
    asked = 0;
    behave = (respond, input) =>
      respond(200, {
        data: input.map((text, index) => ({ index, embedding: vectorOf(text) })),
        usage: { prompt_tokens: 9, total_tokens: 9 },
      });
    endpoint = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        asked += 1;
        const { input } = JSON.parse(Buffer.concat(chunks).toString()) as { input: string[] };
        behave((status, answer) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
        }, input);
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    endpoint.closeAllConnections();
    await new Promise((resolve) => endpoint.close(resolve));
  });

  function embedded(): SemanticPolicy {
    const baseUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`;
    return { ...LENIENT, embedder: { baseUrl, model: 'small' } };
  }

  it('gives the vectors, is booked for them, and asked once for each text', async () => {
    const gateway = await start(embedded());
    await taught(gateway);
    await stored(gateway, 'What is the boiling point of butane then?');
    expect(await ask(gateway, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    const before = asked;
    expect(await ask(gateway, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    expect(asked - before).toBeLessThanOrEqual(1);
    const booked = gateway.ledger.calls.filter(({ facts }) => facts.route === 'semantic');
    expect(booked).toHaveLength(asked);
    expect(booked[0]).toMatchObject({
      facts: { cause: 'exploration', model: 'small', tenant: 'acme' },
      outcome: { status: 'completed', usage: { inputTokens: 9, outputTokens: 0 } },
    });
  });

  it.each([
    ['fails', (respond: (status: number, answer: unknown) => void) => respond(500, {})],
    ['answers nonsense', (respond: (status: number, answer: unknown) => void) => respond(200, { data: 'no' })],
    ['hangs', () => undefined],
  ])('that %s makes a miss, and is left alone for a while', async (_how, how) => {
    behave = how;
    const gateway = await start(embedded(), {
      semantic: {
        random,
        settings: { deadlineMs: 400, embedder: { timeoutMs: 100, restMs: 60_000 } },
      },
    });
    expect(await ask(gateway, 'What is the boiling point of water then?')).toBe('MISS');
    expect(await ask(gateway, 'What is the boiling point of iron then?')).toBe('MISS');
    expect(await ask(gateway, 'What is the boiling point of iron then?')).toBe('HIT');
    expect(asked).toBe(1);
    expect(told(gateway, 'semantic failed')).toBe(2);
    expect(gateway.events.filter((event) => event.startsWith('embedder_'))).toHaveLength(2);
    expect(gateway.ledger.calls.find(({ facts }) => facts.route === 'semantic')?.outcome?.status).toBe('failed');
  });
});
