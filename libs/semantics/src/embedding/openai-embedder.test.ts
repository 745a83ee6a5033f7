import { OpenAiEmbedder, type OpenAiEmbedderOptions } from './openai-embedder.js';

type Fetch = NonNullable<OpenAiEmbedderOptions['fetch']>;

function embedder(fetch: Fetch, more: Partial<OpenAiEmbedderOptions> = {}): OpenAiEmbedder {
  return new OpenAiEmbedder({ baseUrl: 'https://e.example/v1/', model: 'small', apiKey: 'sk-1', fetch, ...more });
}

function answering(body: unknown, status = 200): Fetch {
  return () => Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }));
}

describe('an OpenAI-compatible embedder', () => {
  it('asks as the protocol says, and follows nobody elsewhere', async () => {
    const asked: [string, RequestInit][] = [];
    const fetch: Fetch = (url, init) => {
      asked.push([url as string, init ?? {}]);
      return answering({ data: [{ index: 0, embedding: [3, 4] }], usage: { prompt_tokens: 2 } })(url, init);
    };
    const { vectors, inputTokens } = await embedder(fetch).embed(['hello']);
    expect(vectors).toEqual([Float32Array.from([0.6, 0.8])]);
    expect(inputTokens).toBe(2);
    expect(asked[0]?.[0]).toBe('https://e.example/v1/embeddings');
    expect(asked[0]?.[1]).toMatchObject({
      method: 'POST',
      redirect: 'error',
      headers: { authorization: 'Bearer sk-1' },
      body: JSON.stringify({ model: 'small', input: ['hello'], encoding_format: 'float' }),
    });
  });

  it('sends no credential that it was not given, and asks nothing about nothing', async () => {
    const headers: unknown[] = [];
    const fetch: Fetch = (url, init) => {
      headers.push(init?.headers);
      return answering({ data: [{ embedding: [1] }] })(url, init);
    };
    await embedder(fetch, { apiKey: null }).embed(['a']);
    expect(headers).toEqual([{ 'content-type': 'application/json' }]);
    expect(await embedder(fetch).embed([])).toEqual({ vectors: [], inputTokens: 0 });
    expect(headers).toHaveLength(1);
  });

  it('puts vectors in the order of the texts, whatever order they come in', async () => {
    const body = {
      data: [
        { index: 1, embedding: [0, 2] },
        { index: 0, embedding: [5, 0] },
      ],
    };
    const { vectors, inputTokens } = await embedder(answering(body)).embed(['a', 'b']);
    expect(vectors).toEqual([Float32Array.from([1, 0]), Float32Array.from([0, 1])]);
    expect(inputTokens).toBeNull();
  });

  it.each([
    ['no JSON', 'oops'],
    ['null', 'null'],
    ['no data', {}],
    ['one too few', { data: [{ index: 0, embedding: [1] }] }],
    [
      'one place twice',
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 0, embedding: [1] },
        ],
      },
    ],
    [
      'a place that is none',
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 2, embedding: [1] },
        ],
      },
    ],
    [
      'a text for a number',
      {
        data: [
          { index: 0, embedding: ['1'] },
          { index: 1, embedding: [1] },
        ],
      },
    ],
    [
      'an empty vector',
      {
        data: [
          { index: 0, embedding: [] },
          { index: 1, embedding: [] },
        ],
      },
    ],
    [
      'two lengths',
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 1, embedding: [1, 2] },
        ],
      },
    ],
    ['null for an item', { data: [null, null] }],
    [
      'a number that 32 bits do not hold',
      {
        data: [
          { index: 0, embedding: [1e39, 1] },
          { index: 1, embedding: [1, 1] },
        ],
      },
    ],
  ])('refuses an answer with %s', async (_what, body) => {
    await expect(embedder(answering(body)).embed(['a', 'b'])).rejects.toMatchObject({
      code: 'embedder_invalid_answer',
    });
  });

  it('says by a code what went wrong', async () => {
    await expect(embedder(answering({}, 429)).embed(['a'])).rejects.toMatchObject({ code: 'embedder_refused' });
    const broken: Fetch = () => Promise.reject(new TypeError('fetch failed'));
    await expect(embedder(broken).embed(['a'])).rejects.toMatchObject({ code: 'embedder_unreachable' });
    const hanging: Fetch = (_url, init) =>
      new Promise((_resolve, reject) => {
        const signal = init?.signal as AbortSignal;
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    await expect(embedder(hanging, { timeoutMs: 5 }).embed(['a'])).rejects.toMatchObject({ code: 'embedder_timeout' });
    const left = new AbortController();
    const asking = embedder(hanging).embed(['a'], left.signal);
    left.abort(new Error('left'));
    await expect(asking).rejects.toThrow('left');
  });

  it.each([
    [400, 'embedder_text_refused'],
    [413, 'embedder_text_refused'],
    [422, 'embedder_text_refused'],
    [401, 'embedder_refused'],
    [404, 'embedder_refused'],
    [500, 'embedder_refused'],
  ])('tells a refusal of the texts from one of all that is asked: %d', async (status, code) => {
    await expect(embedder(answering({}, status)).embed(['a'])).rejects.toMatchObject({ code, status });
  });

  it('has a space of its own for each address and model', () => {
    const spaces = [
      embedder(answering({})).space,
      embedder(answering({}), { model: 'large' }).space,
      embedder(answering({}), { baseUrl: 'https://f.example/v1' }).space,
    ];
    expect(new Set(spaces).size).toBe(3);
    expect(embedder(answering({}), { baseUrl: 'https://e.example/v1' }).space).toBe(spaces[0]);
    expect(spaces.join()).not.toContain('sk-1');
  });
});
