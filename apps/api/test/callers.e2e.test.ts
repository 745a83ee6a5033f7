import { Database } from '@promptsales/database';
import request from 'supertest';
import { apiPlaces, type ApiPlaces } from './api-places.js';
import type { TestApi } from './test-api.js';

type Headers = Record<string, string>;

interface Line {
  readonly tenant: string;
  readonly key_id: string;
  readonly client: string;
  readonly user_id: string | null;
  readonly cliente_id: string | null;
  readonly campana_id: string | null;
  readonly segmento: string | null;
}

interface LedgerTables {
  ledger_calls: Line;
  ledger_reuse: Line;
}

const chat = (content: string): object => ({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });

describe('who asks, and for whom', () => {
  let places: ApiPlaces;
  let closed: TestApi;
  let trusting: TestApi;

  const ask = (api: TestApi, content: string, headers: Headers = {}) =>
    request(api.server).post('/v1/chat/completions').set(headers).send(chat(content));
  const keyOf = async (body: object): Promise<{ readonly id: string; readonly key: string; readonly client: string }> =>
    (await request(closed.server).post('/v1/keys').set(closed.admin).send(body).expect(201)).body as Awaited<
      ReturnType<typeof keyOf>
    >;
  /** A report writes what its process still has first. */
  const savings = async (
    api: TestApi,
    group: string,
  ): Promise<readonly { readonly key: string; readonly requests: number }[]> => {
    const { body } = await request(api.server).get('/v1/savings').query({ group_by: group }).set(api.admin).expect(200);
    return (body as { groups: { key: string; requests: number }[] }).groups;
  };
  const lines = async (api: TestApi, where: Partial<Line>): Promise<{ calls: Line[]; reuse: Line[] }> => {
    await savings(api, 'client');
    const db = api.app.get(Database).as<LedgerTables>();
    const of = (table: keyof LedgerTables): Promise<Line[]> =>
      db
        .selectFrom(table)
        .select(['tenant', 'key_id', 'client', 'user_id', 'cliente_id', 'campana_id', 'segmento'])
        .where((is) => is.and(where))
        .execute();
    return { calls: await of('ledger_calls'), reuse: await of('ledger_reuse') };
  };

  beforeAll(async () => {
    places = await apiPlaces();
    closed = await places.api();
    trusting = await places.api({ ANONYMOUS_SCOPES: 'llm,cache' });
  });

  afterAll(() => places.stop());

  it('is the key’s client by name: under that its use is counted, however many keys have it', async () => {
    const scopes = ['llm'];
    const web = await keyOf({ name: 'web 1', tenant: 'acme', client: 'storefront', scopes });
    const again = await keyOf({ name: 'web 2', tenant: 'acme', client: 'storefront', scopes });
    const nameless = await keyOf({ name: 'batch', tenant: 'acme', scopes });
    expect([web.client, nameless.client]).toEqual(['storefront', 'batch']);
    for (const { key } of [web, again, nameless]) await ask(closed, 'counted', { 'x-api-key': key }).expect(200);
    const groups = await savings(closed, 'client');
    expect(groups).toContainEqual(expect.objectContaining({ key: 'storefront', requests: 2 }));
    expect(groups).toContainEqual(expect.objectContaining({ key: 'batch', requests: 1 }));
  });

  it('stands in the ledger with whom it was for, for calls and for hits', async () => {
    const { id, key } = await keyOf({ name: 'crm', tenant: 'globex', scopes: ['llm'] });
    const headers = {
      'x-api-key': key,
      'x-user-id': 'u-1',
      'x-cliente-id': 'c-1',
      'x-campana-id': 'verano',
      'x-segmento': 'adultos',
    };
    const line = {
      tenant: 'globex',
      key_id: id,
      client: 'crm',
      user_id: 'u-1',
      cliente_id: 'c-1',
      campana_id: 'verano',
      segmento: 'adultos',
    };
    await ask(closed, 'for somebody', headers).expect(200).expect('x-cache', 'MISS');
    await ask(closed, 'for somebody', headers).expect(200).expect('x-cache', 'HIT');
    await ask(closed, 'for somebody', { 'x-api-key': key }).expect(200).expect('x-cache', 'HIT');
    const nobody = { ...line, user_id: null, cliente_id: null, campana_id: null, segmento: null };
    const { calls, reuse } = await lines(closed, { key_id: id });
    expect(calls).toEqual([line]);
    expect(reuse).toHaveLength(2);
    expect(reuse).toEqual(expect.arrayContaining([line, nobody]));
  });

  it('trap 7: attributes and never authorises: whom it is for opens no other tenant', async () => {
    const { key } = await keyOf({ name: 'x', tenant: 'initech', scopes: ['llm', 'cache'] });
    const pretending = { 'x-api-key': key, 'x-user-id': 'admin', 'x-cliente-id': 'globex' };
    await ask(closed, 'for somebody', pretending).expect(200).expect('x-cache', 'MISS');
    await request(closed.server).get('/v1/keys').set(pretending).expect(403);
  });

  it('trap 30: is no label of a metric', async () => {
    const { text } = await request(closed.server).get('/metrics').set(closed.admin).expect(200);
    for (const one of ['storefront', 'globex', 'u-1', 'c-1', 'verano']) expect(text).not.toContain(`"${one}"`);
  });

  describe('without a key', () => {
    it('is nobody, unless ANONYMOUS_SCOPES says otherwise', async () => {
      await ask(closed, 'nobody').expect(401);
      await request(closed.server).get('/v1/cache/app:k').expect(401);
    });

    it('is the client anonymous of the tenant default, for whom its front end says', async () => {
      await ask(trusting, 'from a front end', { 'x-user-id': 'visitor' }).expect(200);
      expect((await lines(trusting, { client: 'anonymous' })).calls).toEqual([
        expect.objectContaining({ tenant: 'default', key_id: 'anonymous', user_id: 'visitor' }),
      ]);
      await request(trusting.server).put('/v1/cache/app:front').send({ a: 1 }).expect(200);
      await request(trusting.server).get('/v1/cache/app:front').set(trusting.admin).expect(200, { a: 1 });
    });

    it('has these scopes and no more: no other route, no family of another scope, nothing that wants a key', async () => {
      await request(trusting.server).get('/v1/savings').expect(403);
      await request(trusting.server).get('/v1/keys').expect(403);
      await request(trusting.server).get('/v1/cache/user_prefs:u1').expect(403);
      await request(trusting.server).put('/v1/cache/rate_limit:u1:hour').send('5').type('application/json').expect(403);
      for (const path of ['/metrics', '/v1/breakers', '/v1/keyspace/families']) {
        await request(trusting.server).get(path).expect(401);
      }
      const { body } = await request(trusting.server).get('/health').expect(200);
      const { body: known } = await request(trusting.server).get('/health').set(trusting.admin).expect(200);
      expect(Object.keys(body as object).length).toBeLessThan(Object.keys(known as object).length);
    });

    it('is not who presents a wrong key, or half of one', async () => {
      for (const headers of [
        { 'x-api-key': 'psk_wrong' },
        { authorization: 'Bearer' },
        { authorization: 'Basic eDp5' },
        { 'x-api-key': '' },
      ]) {
        expect((await ask(trusting, 'wrong', headers as Headers)).status).toBe(401);
      }
    });

    it('is told to no page of another origin: nothing is said of CORS, and bodies are JSON', async () => {
      const origin = { origin: 'https://elsewhere.example' };
      const preflight = await request(trusting.server)
        .options('/v1/cache/app:front')
        .set({ ...origin, 'access-control-request-method': 'PUT' });
      const got = await request(trusting.server).get('/v1/cache/app:front').set(origin).expect(200);
      for (const { headers } of [preflight, got])
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      await request(trusting.server)
        .post('/v1/chat/completions')
        .set(origin)
        .type('text/plain')
        .send(JSON.stringify(chat('x')))
        .expect(415);
    });
  });
});
