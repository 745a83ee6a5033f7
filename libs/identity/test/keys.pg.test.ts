import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { Database } from '@promptsales/database';
import { sql } from 'kysely';
import { ApiKeys } from '../src/index.js';
import { ADMIN_KEY, as, startApi } from './api-server.js';

describe('/v1/keys and /v1/audit', () => {
  let database: TestDatabase;
  let app: NestFastifyApplication;

  beforeAll(async () => {
    database = await createDatabase();
    app = await startApi(database.url);
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  beforeEach(() => sql`truncate api_keys, audit_log`.execute(app.get(Database).as()));

  async function call(method: 'GET' | 'POST' | 'DELETE', url: string, body?: object, key = ADMIN_KEY) {
    const answer = await app.inject({
      method,
      url,
      headers: as(key),
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
  }

  const draft = { name: 'shop', tenant: 'acme', scopes: ['llm', 'cache'] };

  it('makes a key, shows it once, and lets it in', async () => {
    const made = await call('POST', '/v1/keys', draft);
    expect(made.status).toBe(201);
    expect(made.headers['cache-control']).toBe('no-store');
    expect(made.body).toEqual({
      id: expect.stringMatching(/^[0-9A-Za-z]{17}$/),
      key: expect.stringMatching(/^psk_/),
      name: 'shop',
      tenant: 'acme',
      client: 'shop',
      scopes: ['llm', 'cache'],
      plan: 'standard',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      created_by: 'admin',
      expires_at: null,
      revoked_at: null,
    });
    const principal = await app.get(ApiKeys).authenticate(made.body.key);
    expect(principal).toMatchObject({
      tenant: 'acme',
      client: 'shop',
      keyId: made.body.id,
      plan: 'standard',
      admin: false,
    });
    expect([...(principal?.scopes ?? [])]).toEqual(['llm', 'cache']);

    const { key: _, ...shown } = made.body;
    expect((await call('GET', `/v1/keys/${made.body.id}`)).body).toEqual(shown);
    expect((await call('GET', '/v1/keys')).body).toEqual({ keys: [shown], next_cursor: null });
  });

  it('takes client, plan and end', async () => {
    const expires_at = '2099-01-31T12:00:00+02:00';
    const made = await call('POST', '/v1/keys', { ...draft, client: 'web', plan: 'unlimited', expires_at });
    expect(made.body).toMatchObject({
      client: 'web',
      plan: 'unlimited',
      expires_at: '2099-01-31T10:00:00.000Z',
    });
    const nulls = await call('POST', '/v1/keys', { ...draft, client: null, plan: null, expires_at: null });
    expect(nulls.body).toMatchObject({ client: 'shop', plan: 'standard', expires_at: null });
  });

  it('makes no key of a plan that does not exist or of no scopes, and says what there is', async () => {
    const making = app.get(ApiKeys).create({} as never, {
      ...draft,
      scopes: [],
      plan: 'gold',
    });
    await expect(making).rejects.toMatchObject({
      code: 'unprocessable',
      httpStatus: 422,
      errors: [
        { path: 'scopes', message: expect.stringContaining('llm, mcp') },
        { path: 'plan', message: 'plan must be one of standard, unlimited' },
      ],
    });
  });

  it.each([
    [{ ...draft, name: '' }],
    [{ ...draft, name: undefined }],
    [{ ...draft, tenant: undefined }],
    [{ ...draft, tenant: ' acme' }],
    [{ ...draft, tenant: 'ac\u0000me' }],
    [{ ...draft, tenant: '\ud800' }],
    [{ ...draft, tenant: 'x'.repeat(129) }],
    [{ ...draft, tenant: 7 }],
    [{ ...draft, scopes: 'llm' }],
    [{ ...draft, scopes: ['everything'] }],
    [{ ...draft, scopes: [null] }],
    [{ ...draft, scopes: undefined }],
    [{ ...draft, expires_at: 'tomorrow' }],
    [{ ...draft, expires_at: '2020-01-01T00:00:00Z' }],
    [{ ...draft, expires_at: '2099-01-31T12:00:00' }],
    [{ ...draft, expires_at: '2099-13-31T12:00:00Z' }],
    [{ ...draft, admin: true }],
    [[]],
  ])('refuses %j and makes nothing', async (body) => {
    expect((await call('POST', '/v1/keys', body)).status).toBe(400);
    expect((await call('GET', '/v1/keys')).body.keys).toEqual([]);
    expect((await call('GET', '/v1/audit')).body.entries).toEqual([]);
  });

  it('revokes with 204, again and again, and answers 404 for what is not there', async () => {
    const { body } = await call('POST', '/v1/keys', draft);
    expect(await call('DELETE', `/v1/keys/${body.id}`)).toMatchObject({ status: 204, body: null });
    expect((await call('GET', '/v1/keys', undefined, body.key)).status).toBe(401);
    expect((await call('DELETE', `/v1/keys/${body.id}`)).status).toBe(204);
    expect((await call('GET', `/v1/keys/${body.id}`)).body.revoked_at).toEqual(expect.any(String));
    await expect(app.get(ApiKeys).find(ADMIN, 'x'.repeat(17))).rejects.toMatchObject({
      code: 'not_found',
      httpStatus: 404,
    });
    for (const id of ['x'.repeat(17), '%00', 'null', 'x'.repeat(90)]) {
      await expect(
        app.get(ApiKeys).revoke({ principal: ADMIN, requestId: null }, decodeURIComponent(id)),
      ).rejects.toMatchObject({
        code: 'not_found',
      });
    }
  });

  it('pages from the newest to the oldest without a gap while keys are being made', async () => {
    for (let count = 0; count < 7; count += 1) await call('POST', '/v1/keys', { ...draft, name: `key ${count}` });
    const names: string[] = [];
    let cursor = '';
    do {
      const { body } = await call('GET', `/v1/keys?limit=3${cursor}`);
      names.push(...body.keys.map((key: { name: string }) => key.name));
      cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
      await call('POST', '/v1/keys', { ...draft, name: 'late' });
    } while (cursor !== '');
    expect(names).toEqual(['key 6', 'key 5', 'key 4', 'key 3', 'key 2', 'key 1', 'key 0']);
  });

  it.each(['limit=0', 'limit=201', 'limit=x', 'cursor[]=x', 'color=red', 'tenant='])(
    'refuses the list ?%s',
    async (query) => {
      expect((await call('GET', `/v1/keys?${query}`)).status).toBe(400);
    },
  );

  it('refuses a cursor that it did not make', async () => {
    await expect(app.get(ApiKeys).list(ADMIN, null, { limit: 5, cursor: 'bm9uc2Vuc2U' })).rejects.toMatchObject({
      httpStatus: 400,
      errors: [{ path: 'cursor' }],
    });
  });

  it('shows an administrator every tenant and anybody else the own one', async () => {
    const acme = await call('POST', '/v1/keys', draft);
    const globex = await call('POST', '/v1/keys', { ...draft, tenant: 'globex' });
    const second = await call('POST', '/v1/keys', { ...draft, name: 'second' });
    const tenantsSeen = async (query: string, key: string): Promise<string[]> =>
      (await call('GET', `/v1/keys${query}`, undefined, key)).body.keys.map(
        (found: { tenant: string }) => found.tenant,
      );
    expect(await tenantsSeen('', ADMIN_KEY)).toEqual(['acme', 'globex', 'acme']);
    expect(await tenantsSeen('?tenant=acme', ADMIN_KEY)).toEqual(['acme', 'acme']);
    expect(await tenantsSeen('?tenant=globex', acme.body.key)).toEqual(['acme', 'acme']);

    const keys = app.get(ApiKeys);
    const outsider = { principal: (await keys.authenticate(globex.body.key)) ?? fail(), requestId: null };
    await expect(keys.revoke(outsider, acme.body.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(keys.find(outsider.principal, acme.body.id)).rejects.toMatchObject({ code: 'not_found' });
    expect(await keys.authenticate(second.body.key)).toMatchObject({ tenant: 'acme' });
  });

  it('gives a key with the scope admin all scopes', async () => {
    const { body } = await call('POST', '/v1/keys', { ...draft, scopes: ['admin'] });
    const principal = await app.get(ApiKeys).authenticate(body.key);
    expect(principal?.admin).toBe(true);
    expect(principal?.scopes.has('jobs')).toBe(true);
    expect(body.scopes).toEqual(['admin']);
  });

  it('writes every act and nothing else into the audit log', async () => {
    const { body } = await call('POST', '/v1/keys', draft);
    await call('DELETE', `/v1/keys/${body.id}`);
    await call('DELETE', `/v1/keys/${body.id}`);
    await call('GET', '/v1/keys');
    const { entries } = (await call('GET', '/v1/audit')).body;
    const act = {
      actor_key_id: 'admin',
      actor_tenant: 'default',
      tenant: 'acme',
      target: `api_key:${body.id}`,
      request_id: expect.stringMatching(/^req-/),
    };
    expect(entries).toEqual([
      expect.objectContaining({ ...act, action: 'api_key.revoke', detail: { name: 'shop', client: 'shop' } }),
      expect.objectContaining({
        ...act,
        action: 'api_key.create',
        detail: { name: 'shop', client: 'shop', scopes: ['llm', 'cache'], plan: 'standard', expires_at: null },
      }),
    ]);
    expect((await call('GET', '/v1/audit?tenant=globex')).body.entries).toEqual([]);
    const first = await call('GET', '/v1/audit?limit=1');
    expect((await call('GET', `/v1/audit?limit=1&cursor=${first.body.next_cursor}`)).body.entries).toEqual([
      entries[1],
    ]);
  });

  it('keeps no act without its line: when the log cannot be written, no key is made', async () => {
    const tables = app.get(Database).as();
    await sql`alter table audit_log rename to audit_log_away`.execute(tables);
    const answer = await call('POST', '/v1/keys', draft);
    await sql`alter table audit_log_away rename to audit_log`.execute(tables);
    expect(answer.status).toBe(500);
    expect((await call('GET', '/v1/keys')).body.keys).toEqual([]);
  });

  it('trap 30: the key stands in the one answer that made it and nowhere else', async () => {
    const { body } = await call('POST', '/v1/keys', draft);
    await call('GET', '/v1/keys', undefined, body.key);
    const tables = app.get(Database).as();
    const dump = await sql<{ all: string }>`
      select (select jsonb_agg(to_jsonb(k))::text from api_keys k) || (select jsonb_agg(to_jsonb(a))::text from audit_log a) as all
    `.execute(tables);
    const secret = body.key.slice(22);
    const seen = [
      dump.rows[0]?.all ?? fail(),
      JSON.stringify((await call('GET', '/v1/keys')).body),
      JSON.stringify((await call('GET', '/v1/audit')).body),
    ];
    for (const text of seen) {
      expect(text).toContain(body.id);
      expect(text).not.toContain(secret);
      expect(text).not.toContain(ADMIN_KEY);
    }
  });
});

const ADMIN = {
  tenant: 'default',
  keyId: 'admin',
  client: 'admin',
  scopes: new Set(['admin'] as const),
  plan: 'unlimited',
  admin: true,
};

function fail(): never {
  throw new Error('there should have been a value');
}
