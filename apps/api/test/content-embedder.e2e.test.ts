/** Content by the vectors of an endpoint that the environment names. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

/** Words that mean the same point the same way. */
const MEANINGS = [
  ['bicycle', 'cycling'],
  ['bread', 'bakery'],
];
const MODEL = 'text-embedding-3-small';

interface Asked {
  readonly credential: string | undefined;
  readonly model: string;
  readonly input: readonly string[];
}

describe('content with an embedder of its own', () => {
  const asked: Asked[] = [];
  let endpoint: Server;
  let redis: TestRedis;
  let api: TestApi;
  let key: Record<string, string>;

  beforeAll(async () => {
    endpoint = createServer((incoming, response) => {
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.once('end', () => {
        const body = JSON.parse(Buffer.concat(pieces).toString()) as Omit<Asked, 'credential'>;
        asked.push({ ...body, credential: incoming.headers.authorization });
        const data = body.input.map((text, index) => ({
          index,
          embedding: [0.01, ...MEANINGS.map((words) => (words.some((word) => text.includes(word)) ? 1 : 0))],
        }));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({ data, usage: { prompt_tokens: 10 * data.length, total_tokens: 10 * data.length } }),
        );
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    redis = await startRedis();
    api = await testApi({
      REDIS_URL: redis.url,
      CONTENT_EMBEDDER_BASE_URL: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`,
      CONTENT_EMBEDDER_MODEL: MODEL,
      CONTENT_EMBEDDER_API_KEY: 'key-of-the-embedder-0123456789',
    });
    key = await api.keyOf('acme', ['records', 'cache', 'analytics']);
  });

  afterAll(async () => {
    await api.close();
    endpoint.closeAllConnections();
    endpoint.close();
    await redis.stop();
  });

  it('finds what means the same, asks with the credential that was given, and books each call to its tenant', async () => {
    for (const [id, descripcion] of Object.entries({ a: 'a red bicycle', b: 'fresh bread' })) {
      const url = `https://cdn.example/${id}.png`;
      const fields = {
        descripcion,
        hashtags: [],
        campana_id: 'c',
        cliente_id: 'k',
        formato: 'png',
        url_almacenamiento: url,
      };
      await request(api.server).put(`/v1/content/${id}`).set(key).send(fields).expect(201);
    }
    const search = { description: 'cycling' };
    const found = await request(api.server).post('/v1/content/search').set(key).send(search).expect(200);
    expect((found.body as { images: { id: string }[] }).images[0]?.id).toBe('a');
    expect(new Set(asked.map(({ model, credential }) => `${model} ${credential}`))).toEqual(
      new Set([`${MODEL} Bearer key-of-the-embedder-0123456789`]),
    );
    expect(asked.map(({ input }) => input)).toEqual([['a red bicycle'], ['fresh bread'], ['cycling']]);
    const named = { family: 'content.search', request: search };
    const identity = await request(api.server).post('/v1/keyspace/identity').set(key).send(named).expect(200);
    const path = `/v1/cache/${encodeURIComponent((identity.body as { key: string }).key)}`;
    expect((await request(api.server).get(path).set(key).expect(200)).body).toMatchObject({
      images: [{ id: 'a' }, {}],
    });
    const { body } = await request(api.server).get('/v1/savings?group_by=client').set(key).expect(200);
    expect((body as { groups: object[] }).groups).toEqual([
      expect.objectContaining({
        key: 'content',
        requests: 0,
        upstream_calls: 3,
        spent: expect.objectContaining({ usd: '0.0000006', input_tokens: 30 }) as unknown,
      }),
    ]);
    expect(api.logged()).not.toContain('key-of-the-embedder');
  });
});
