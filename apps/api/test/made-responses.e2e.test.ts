/** Trap 17 for what the provider keeps: by the ledger in PostgreSQL, over two processes, for every route. */
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const ROUTES = [
  ['get', ''],
  ['delete', ''],
  ['post', '/cancel'],
  ['get', '/input_items'],
] as const;

describe('responses that the provider keeps', () => {
  const asked: string[] = [];
  let provider: Server;
  let redis: TestRedis;
  let database: TestDatabase;
  let here: TestApi;
  let there: TestApi;

  beforeAll(async () => {
    provider = createServer((incoming, response) => {
      asked.push(`${incoming.method} ${incoming.url}`);
      const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
      const body = {
        id: `resp_${asked.length}`,
        object: 'response',
        status: 'completed',
        model: 'm',
        output: [],
        usage,
      };
      incoming.resume().once('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    redis = await startRedis();
    database = await createDatabase();
    const places = {
      REDIS_URL: redis.url,
      DATABASE_URL: database.url,
      OPENAI_BASE_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`,
    };
    [here, there] = [await testApi(places), await testApi(places)];
  });

  afterAll(async () => {
    await here.close();
    await there.close();
    provider.closeAllConnections();
    provider.close();
    await redis.stop();
    await database.drop();
  });

  it('are continued by whatever name the provider may know them', async () => {
    const acme = await here.keyOf('acme', ['llm']);
    for (const previous of ['resp\0x', '\ud800', 'resp_elsewhere']) {
      const body = { model: 'm', input: 'x', previous_response_id: previous };
      await request(here.server).post('/v1/responses').set(acme).send(body).expect(200);
    }
  });

  it('trap 17: are those of the tenant that had them made, in every process, and of nobody else', async () => {
    const [acme, globex] = [await here.keyOf('acme', ['llm']), await here.keyOf('globex', ['llm'])];
    for (const [method, below] of ROUTES) {
      const body = { model: 'm', input: `${method} ${below}` };
      const made = await request(here.server).post('/v1/responses').set(acme).send(body).expect(200);
      const path = `/v1/responses/${(made.body as { id: string }).id}${below}`;
      // Before it says no, this process tells the others of its calls.
      const others = await request(here.server)[method](path).set(globex).expect(404);
      await request(there.server)[method](path).set(acme).expect(200);
      expect(others.body).toMatchObject({ error: { code: 'response_not_found', type: 'invalid_request_error' } });
      await request(there.server)[method](path).set(globex).expect(404);
      await request(there.server)[method](path).expect(401);
      expect(asked.filter((one) => one === `${method.toUpperCase()} ${path}`)).toHaveLength(1);
      const again = { ...body, previous_response_id: path.split('/')[3] };
      await request(there.server).post('/v1/responses').set(globex).send(again).expect(400);
    }
  });
});
