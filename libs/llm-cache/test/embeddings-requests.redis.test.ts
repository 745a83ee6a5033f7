/** What a request for embeddings may say, and what of it is refused. */
import { until } from '@promptsales/test-kit';
import { vectorOf } from './embeddings-provider.js';
import { cacheOf, EmbeddingsStage, type Answer } from './embeddings-stage.js';

const stage = EmbeddingsStage.forAll();
const embed: EmbeddingsStage['embed'] = (...asked) => stage.embed(...asked);
const texts = (count: number): string[] => stage.texts(count);

describe('what a request may say', () => {
  it('no-store: the provider’s own answer, and nothing kept', async () => {
    const [a] = texts(1) as [string];
    expect(cacheOf(await embed(a, { 'cache-control': 'no-store' }))).toBe('BYPASS');
    expect(cacheOf(await embed(a))).toBe('MISS');
  });

  it('only-if-cached: all of it or nothing', async () => {
    const [a, b] = texts(2) as [string, string];
    await embed(a);
    const { status, body } = await embed([a, b], { 'cache-control': 'only-if-cached' });
    expect([status, body.error]).toEqual([504, expect.objectContaining({ code: 'not_in_cache' })]);
    expect(cacheOf(await embed(a, { 'cache-control': 'only-if-cached' }))).toBe('HIT');
    expect(stage.provider.calls).toHaveLength(1);
  });

  it('stale-if-error: what is stored in place of a failure, counted once', async () => {
    const [a] = texts(1) as [string];
    await embed(a);
    stage.provider.failing = true;
    try {
      const old = await embed(a, { 'cache-control': 'no-cache, stale-if-error=60' });
      expect([old.status, old.body.data.map(({ embedding }) => embedding)]).toEqual([200, [vectorOf(a)]]);
      expect((await embed(a, { 'cache-control': 'no-cache' })).status).toBe(500);
    } finally {
      stage.provider.failing = false;
    }
    expect(stage.gateway.ledger.calls.map(({ facts, outcome }) => [facts.cause, outcome?.status])).toEqual([
      ['request', 'completed'],
      ['request', 'failed'],
      ['request', 'failed'],
    ]);
    expect(stage.gateway.ledger.hits).toMatchObject([{ part: true }]);
  });

  it('no-cache and max-age: asked for anew', async () => {
    const [a, b] = texts(2) as [string, string];
    await embed([a, b]);
    expect(cacheOf(await embed([a, b], { 'cache-control': 'no-cache' }))).toBe('REFRESH');
    expect(stage.provider.calls).toEqual([
      [a, b],
      [a, b],
    ]);
    // By Redis's clock, which takes a moment to pass over the millisecond of the answer.
    const once = async (outcome: string, cacheControl: string) => {
      let answer: Answer;
      do answer = await embed([a, b], { 'cache-control': cacheControl });
      while (cacheOf(answer) !== outcome);
      return answer;
    };
    await once('REFRESH', 'max-age=0');
    const called = stage.provider.calls.length;
    const stale = await once('STALE', 'max-age=0, stale-while-revalidate=60');
    expect(stale.headers.get('cache-status')).toMatch(/^promptsales; hit; ttl=-?\d+; detail=stale$/);
    await until(() => stage.provider.calls.length > called);
    expect(stage.gateway.ledger.calls.at(-1)?.facts.cause).toBe('refresh');
  });

  it('a namespace, another tenant, dimensions and the format: entries of their own', async () => {
    const [a] = texts(1) as [string];
    await embed(a);
    for (const [headers, more] of [
      [{ 'x-cache-namespace': 'n' }, {}],
      [{ 'x-test-tenant': 'other' }, {}],
      [{}, { dimensions: 8 }],
      [{}, { encoding_format: 'base64' }],
      [{}, { user: 'u' }],
    ] as const) {
      expect(cacheOf(await embed(a, headers, more))).toBe('MISS');
      expect(cacheOf(await embed(a, headers, more))).toBe('HIT');
    }
    expect(cacheOf(await embed([a]))).toBe('HIT');
  });
});

const REFUSED: readonly (readonly [input: unknown, code: string, param: string])[] = [
  [undefined, 'missing_required_parameter', 'input'],
  [null, 'invalid_type', 'input'],
  [7, 'invalid_type', 'input'],
  [{ text: 'a' }, 'invalid_type', 'input'],
  [[], 'empty_array', 'input'],
  [['a', 1], 'invalid_type', 'input[1]'],
  [['a', ['b']], 'invalid_type', 'input[1]'],
  [[1, 'a'], 'invalid_type', 'input[1]'],
  [[[1], 'a'], 'invalid_type', 'input[1]'],
  [[[]], 'empty_array', 'input[0]'],
  [[[1], []], 'empty_array', 'input[1]'],
  [[-1], 'invalid_value', 'input[0]'],
  [[1.5], 'invalid_value', 'input[0]'],
  [[[1, 2 ** 31]], 'invalid_value', 'input[0][1]'],
  [[[['a']]], 'invalid_type', 'input[0][0]'],
  [[null], 'invalid_type', 'input[0]'],
  [[true], 'invalid_type', 'input[0]'],
  ['a'.repeat(2049).split(''), 'invalid_value', 'input'],
];

it.each(REFUSED.map(([input, code, param]) => ({ input, code, param, shown: JSON.stringify(input)?.slice(0, 40) })))(
  'refuses the input $shown as OpenAI does',
  async ({ input, code, param }) => {
    const { status, body } = await embed(input);
    expect([status, body.error]).toEqual([
      400,
      { message: expect.stringContaining(`'${param}'`), type: 'invalid_request_error', param, code },
    ]);
    expect(stage.provider.calls).toEqual([]);
  },
);
