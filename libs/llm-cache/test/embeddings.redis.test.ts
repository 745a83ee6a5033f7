/** Embeddings over HTTP, on a real Redis: what is stored is not asked for, and every vector stands where its item stood. */
import { startRedis, until } from '@promptsales/test-kit';
import fc from 'fast-check';
import type { CachePolicy } from '../src/index.js';
import { tokensOf, vectorOf, type Item } from './embeddings-provider.js';
import { cacheOf, EmbeddingsStage, MODEL, type Answer } from './embeddings-stage.js';
import { GatewayProcess } from './gateway-process.js';

const stage = EmbeddingsStage.forAll();
const embed: EmbeddingsStage['embed'] = (...asked) => stage.embed(...asked);
const texts = (count: number): string[] => stage.texts(count);

const vectors = ({ body }: Answer) => body.data.map(({ embedding }) => embedding);
const paid = (...items: Item[]) => {
  const tokens = items.reduce((sum, item) => sum + tokensOf(item), 0);
  return { prompt_tokens: tokens, total_tokens: tokens };
};

describe('trap 16: vectors of partial hits', () => {
  it('stand where their items stood; only what is missing is asked for, in one call', async () => {
    const [a, b, c, d] = texts(4) as [string, string, string, string];
    expect(cacheOf(await embed([a, c]))).toBe('MISS');
    const partial = await embed([d, c, b, a]);
    expect(stage.provider.calls).toEqual([
      [a, c],
      [d, b],
    ]);
    expect(vectors(partial)).toEqual([d, c, b, a].map((text) => vectorOf(text)));
    expect(partial.body.data.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(partial.body.usage).toEqual(paid(d, b));
    expect(cacheOf(partial)).toBe('MISS');
    expect(partial.headers.get('cache-status')).toBe('promptsales; fwd=miss; stored');

    const all = await embed([b, b, a, d]);
    expect(stage.provider.calls).toHaveLength(2);
    expect(vectors(all)).toEqual([b, b, a, d].map((text) => vectorOf(text)));
    expect(all.body).toMatchObject({ model: MODEL, usage: { prompt_tokens: 0, total_tokens: 0 } });
    expect(cacheOf(all)).toBe('HIT');
    expect(all.headers.get('cache-status')).toMatch(/^promptsales; hit; ttl=60\d{4}$/);
    expect(all.headers.get('age')).toMatch(/^\d+$/);
  });

  it('stand where their items stood, whatever was asked for before, by whom and in which order', async () => {
    const text = fc.constantFrom<Item>('a', 'b', 'c', 'd', '1', '[1]', 'é', 'e\u0301', ' a', '');
    const tokens = fc.constantFrom<Item>([1], [1, 2], [2, 1], [12]);
    const several = { minLength: 1, maxLength: 8 };
    const input = fc.oneof(text, tokens, fc.array(text, several), fc.array(tokens, several));
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(input, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), async (turns) => {
        // A model of its own for each run: nothing is stored at its beginning.
        const model = `model-${(round += 1)}`;
        const asked = new Set<string>();
        stage.provider.calls.length = 0;
        for (const together of turns) {
          const answers = await Promise.all(
            together.map((one, at) => embed(one, {}, { model }, at % 2 === 0 ? stage.gateway : stage.other)),
          );
          for (const [at, answer] of answers.entries()) {
            const one = together[at] as Item | Item[];
            const items = (typeof one === 'string' || typeof one[0] === 'number' ? [one] : one) as Item[];
            expect(vectors(answer)).toEqual(items.map((each) => vectorOf(each, model)));
            for (const each of items) asked.add(JSON.stringify(each));
          }
        }
        const calledFor = stage.provider.calls.flat().map((each) => JSON.stringify(each));
        expect(calledFor.toSorted()).toEqual([...asked].toSorted());
      }),
      { numRuns: 40 },
    );
  });
});

describe('the official SDK', () => {
  it.each(['as it asks by default', 'float', 'base64'] as const)(
    'gets the provider’s own objects: %s',
    async (format) => {
      const encoding = format === 'as it asks by default' ? {} : { encoding_format: format };
      const input = texts(3);
      const own = await stage.direct.embeddings.create({ model: MODEL, input, ...encoding });
      const sorted = { ...own, data: own.data.toSorted((one, another) => one.index - another.index) };
      const first = await stage.gateway.openai.embeddings.create({ model: MODEL, input, ...encoding });
      expect(first).toEqual(sorted);
      const nothing = { prompt_tokens: 0, total_tokens: 0 };
      expect(await stage.gateway.openai.embeddings.create({ model: MODEL, input, ...encoding })).toEqual({
        ...sorted,
        usage: nothing,
      });
      expect(await stage.other.openai.embeddings.create({ model: MODEL, input, ...encoding })).toEqual({
        ...sorted,
        usage: nothing,
      });
      expect(stage.provider.calls).toHaveLength(2);
    },
  );
});

it('gives the official SDK the same of a call that others made', async () => {
  const input = texts(2);
  const own = await stage.direct.embeddings.create({ model: MODEL, input });
  const gate = Promise.withResolvers<void>();
  stage.provider.gate = gate.promise;
  const together = [stage.gateway, stage.gateway, stage.other].map((one) =>
    one.openai.embeddings.create({ model: MODEL, input }),
  );
  await until(() => stage.provider.calls.length === 2);
  gate.resolve();
  const data = own.data.toSorted((one, another) => one.index - another.index);
  for (const answer of await Promise.all(together)) expect(answer.data).toEqual(data);
  expect(stage.provider.calls).toHaveLength(2);
});

it('shares what is under way, in this process and in another one, item by item', async () => {
  const [a, b, c] = texts(3) as [string, string, string];
  const gate = Promise.withResolvers<void>();
  stage.provider.gate = gate.promise;
  const first = embed([a, b]);
  await until(() => stage.provider.calls.length === 1);
  const before = [stage.gateway.asked, stage.other.asked] as const;
  const others = [embed([b, c]), embed([a, b], {}, {}, stage.other), embed(a)];
  await until(() => stage.provider.calls.length === 2);
  await Promise.all([stage.gateway.settled(before[0] + 2), stage.other.settled(before[1] + 1)]);
  gate.resolve();
  const [one, two, three, four] = (await Promise.all([first, ...others])) as [Answer, Answer, Answer, Answer];
  expect(stage.provider.calls).toEqual([[a, b], [c]]);
  expect(vectors(one)).toEqual([vectorOf(a), vectorOf(b)]);
  expect(vectors(two)).toEqual([vectorOf(b), vectorOf(c)]);
  expect(vectors(three)).toEqual([vectorOf(a), vectorOf(b)]);
  expect(vectors(four)).toEqual([vectorOf(a)]);
  expect([one, two, three, four].map(cacheOf)).toEqual(['MISS', 'MISS', 'COALESCED', 'COALESCED']);
  expect(two.body.usage).toEqual(paid(c));
  expect(three.body.usage).toEqual({ prompt_tokens: 0, total_tokens: 0 });
});

it('trap 20: books what was paid as spent and each item that was there as avoided', async () => {
  const [a, b, c] = texts(3) as [string, string, string];
  await embed([a, b]);
  await embed([c, a, b, c]);
  await embed([b, a]);
  const { calls, hits } = stage.gateway.ledger;
  expect(calls.map(({ outcome }) => outcome)).toEqual([
    expect.objectContaining({
      status: 'completed',
      httpStatus: 200,
      usage: expect.objectContaining({ inputTokens: tokensOf(a) + tokensOf(b), outputTokens: 0 }),
    }),
    expect.objectContaining({ usage: expect.objectContaining({ inputTokens: tokensOf(c) }) }),
  ]);
  expect(calls[0]?.facts).toMatchObject({ route: '/v1/embeddings', model: MODEL, cause: 'request', tenant: 'acme' });
  // The second request names one text twice: it is paid for once.
  const avoided = hits.map(({ kind, usage, part }) => [kind, usage?.inputTokens, part]);
  const both = tokensOf(a) + tokensOf(b);
  expect(avoided).toEqual([
    ['coalesced', both + tokensOf(c), true],
    ['hit', both, undefined],
  ]);
});

it('trap 20: books one line for what was there, however it came, and counts each request once', async () => {
  const [a, b, c] = texts(3) as [string, string, string];
  await embed([a]);
  let open = (): void => {};
  stage.provider.gate = new Promise<void>((resolve) => (open = resolve));
  const { asked } = stage.gateway;
  const first = embed([b]);
  await until(() => stage.provider.calls.length >= 2);
  const whole = embed([a, b]);
  const partly = embed([a, b, c]);
  await until(() => stage.provider.calls.length >= 3);
  await stage.gateway.settled(asked + 3);
  open();
  await Promise.all([first, whole, partly]);
  const { calls, hits } = stage.gateway.ledger;
  expect(calls.map(({ facts }) => facts.cause)).toEqual(['request', 'request', 'request']);
  const both = tokensOf(a) + tokensOf(b);
  expect(hits.map(({ kind, usage, part }) => [kind, usage?.inputTokens, part ?? false])).toEqual(
    expect.arrayContaining([
      ['coalesced', both, false],
      ['coalesced', both, true],
    ]),
  );
  expect(hits).toHaveLength(2);
});

it('keeps one vector for each item under a policy that keeps several answers', async () => {
  const policies: CachePolicy[] = [
    { name: 'varied', match: { model: MODEL }, mode: 'bucket', bucket: 3, share: 'tenant' },
  ];
  const varied = await GatewayProcess.start({
    redisUrl: stage.redis.url,
    providerUrl: stage.provider.baseUrl,
    policies,
  });
  await varied.redisUp();
  try {
    const input = texts(2);
    const outcomes = [];
    for (let round = 0; round < 4; round += 1) outcomes.push(cacheOf(await embed(input, {}, {}, varied)));
    expect(outcomes).toEqual(['MISS', 'HIT', 'HIT', 'HIT']);
  } finally {
    await varied.stop();
  }
});

describe('a call that is refused', () => {
  it('is passed on, and keeps what is stored', async () => {
    const [a] = texts(1) as [string];
    await embed(a);
    const refused = await embed([a, 'refuse me']);
    expect(refused.status).toBe(400);
    expect(refused.body.error).toMatchObject({ message: 'input[0] is refused' });
    expect(cacheOf(await embed(a))).toBe('HIT');
  });

  it('is not the answer to those who shared it for other items', async () => {
    const [a] = texts(1) as [string];
    const gate = Promise.withResolvers<void>();
    stage.provider.gate = gate.promise;
    const refused = embed([a, 'refuse me']);
    await until(() => stage.provider.calls.length === 1);
    const good = embed(a);
    const elsewhere = embed([a], {}, {}, stage.other);
    await new Promise((resolve) => setImmediate(resolve));
    gate.resolve();
    expect((await refused).status).toBe(400);
    expect(vectors(await good)).toEqual([vectorOf(a)]);
    expect(vectors(await elsewhere)).toEqual([vectorOf(a)]);
  });
});

it.each(['minus zero', 'with a name', 'late', 'nested', 'of two types'])(
  'passes on a vector that cannot be kept as it is, and keeps the others: %s',
  async (odd) => {
    const [a] = texts(1) as [string];
    const first = await embed([odd, a]);
    const again = await embed([odd, a]);
    expect(again.body.data[0]).toEqual(first.body.data.find(({ index }) => index === 0));
    expect(stage.provider.calls).toEqual([[odd, a], [odd]]);
    expect(vectors(again)[1]).toEqual(vectorOf(a));
  },
);

describe('a list that is not one element for each item', () => {
  it('is passed on as it is, billed, and not kept', async () => {
    const [a] = texts(1) as [string];
    const asked = ['by the token', a];
    const first = await embed(asked);
    expect([first.status, cacheOf(first), first.body.data.length]).toEqual([200, 'MISS', 4]);
    expect(first.body).toEqual(
      await stage.direct.embeddings.create({ model: MODEL, input: asked, encoding_format: 'float' }),
    );
    expect(stage.gateway.ledger.calls).toMatchObject([
      { outcome: { status: 'completed', usage: { inputTokens: paid(...asked).prompt_tokens } } },
    ]);
    expect((await embed(asked)).body).toEqual(first.body);
    expect((await embed(asked, { 'cache-control': 'no-store' })).body).toEqual(first.body);
    expect(stage.provider.calls.length).toBe(4);
  });

  it('is asked for again, as a whole, where a part of it was asked for', async () => {
    const [a] = texts(1) as [string];
    await embed(a);
    const asked = await embed([a, 'by the token']);
    expect([asked.status, asked.body.data.length]).toEqual([200, 4]);
    expect(stage.provider.calls).toEqual([[a], ['by the token'], [a, 'by the token']]);
  });
});

it('answers while Redis is away, and says so', async () => {
  const own = await startRedis();
  const alone = await (
    await GatewayProcess.start({ redisUrl: own.url, providerUrl: stage.provider.baseUrl })
  ).redisUp();
  try {
    await own.kill();
    const [a, b] = texts(2) as [string, string];
    const answer = await embed([a, b], {}, {}, alone);
    expect(vectors(answer)).toEqual([vectorOf(a), vectorOf(b)]);
    expect(answer.headers.get('cache-status')).toBe('promptsales; fwd=miss; promptsales-reason=redis-unavailable');
    expect(stage.provider.calls).toEqual([[a, b]]);
  } finally {
    await alone.stop();
  }
});
