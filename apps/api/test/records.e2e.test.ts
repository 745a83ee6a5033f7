import { randomUUID } from 'node:crypto';
import { RedisRoles } from '@promptsales/cache-core';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import request, { type Test } from 'supertest';
import { testApi, type TestApi } from './test-api.js';

type Key = Record<string, string>;
interface Lead {
  readonly id: string;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly [field: string]: unknown;
}

describe('leads and opportunities', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;
  let acme: Key;
  let globex: Key;

  const keyOf = (tenant: string, scopes = ['records']): Promise<Key> => api.keyOf(tenant, scopes);
  const make = async (fields: object, path = 'leads', key = acme): Promise<Lead> =>
    (await request(api.server).post(`/${path}`).set(key).send(fields).expect(201)).body as Lead;
  const get = (path: string, key = acme, from = api): Test => request(from.server).get(path).set(key);
  const patch = (path: string, fields: object, key = acme, from = api): Test =>
    request(from.server).patch(path).set(key).send(fields);
  const remove = (path: string, key = acme, from = api): Test => request(from.server).delete(path).set(key);
  const raw = <T>(command: string, ...args: (string | number)[]): Promise<T> =>
    api.app
      .get(RedisRoles)
      .link('cache')
      .readAt('x', (client) => client.call(command, ...args)) as Promise<T>;

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url, REDIS_DB_CACHE: '0' };
    api = await testApi(places);
    other = await testApi(places);
    [acme, globex] = await Promise.all([keyOf('acme'), keyOf('globex')]);
  });

  afterAll(async () => {
    await Promise.all([api.close(), other.close()]);
    await redis.kill();
    await database.drop();
  });

  test('a lead is made, read, changed and deleted', async () => {
    const { headers, body } = await request(api.server)
      .post('/leads')
      .set(acme)
      .send({ empresa: 'Peña S.A.', contacto: 'Ana', estado: 'nuevo', origen: 'feria', etiquetas: ['a', { b: null }] })
      .expect(201);
    const lead = body as Lead;
    expect(lead).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      empresa: 'Peña S.A.',
      contacto: 'Ana',
      estado: 'nuevo',
      origen: 'feria',
      etiquetas: ['a', { b: null }],
      version: 1,
      created_at: expect.stringMatching(/Z$/),
      updated_at: lead.created_at,
    });
    expect(headers['location']).toBe(`/leads/${lead.id}`);
    const path = `/leads/${lead.id}`;
    const first = await get(path).expect(200);
    expect(first.body).toEqual(lead);
    expect(first.headers).toMatchObject({ 'x-cache': 'MISS', etag: headers['etag'] });
    const second = await get(path, acme, other).expect(200);
    expect(second.headers).toMatchObject({ 'x-cache': 'HIT', etag: headers['etag'] });
    expect(second.body).toEqual(lead);
    const changed = await patch(path, { estado: 'contactado', origen: null, valor: 12.5 }).expect(200);
    const { origen: _gone, ...rest } = lead;
    expect(changed.body).toEqual({
      ...rest,
      estado: 'contactado',
      valor: 12.5,
      version: 2,
      updated_at: expect.any(String),
    });
    expect((await get(path, acme, other).expect(200)).body).toEqual(changed.body);
    const merge = { direccion: { ciudad: 'Cartago', piso: 2 } };
    await patch(path, merge).set('content-type', 'application/merge-patch+json').expect(200);
    expect((await patch(path, { direccion: { piso: null, zona: 'sur' } }).expect(200)).body).toMatchObject({
      direccion: { ciudad: 'Cartago', zona: 'sur' },
    });
    await remove(path).expect(204);
    await get(path, acme, other).expect(404);
    await patch(path, { estado: 'x' }).expect(404);
    await remove(path).expect(404);
  });

  test('the documented keys show what they showed: JSON text with its hour to live, each tenant’s behind its name', async () => {
    const mine = await make({ empresa: 'Raw', contacto: 'Ana', estado: 'nuevo' }, 'leads', api.admin);
    const theirs = await make({ empresa: 'Raw', estado: 'nuevo' });
    const deal = await make({ lead_id: mine.id, monto: '1500.00' }, 'oportunidades', api.admin);
    await get(`/leads/${mine.id}`, api.admin).expect(200);
    await get(`/oportunidades/${deal.id}`, api.admin).expect(200);
    await get(`/leads/${theirs.id}`).expect(200);
    for (const [key, value] of [
      [`lead:${mine.id}`, mine],
      [`oportunidad:${deal.id}`, deal],
      [`tenant:acme:lead:${theirs.id}`, theirs],
    ] as const) {
      expect(await raw('TYPE', key)).toBe('string');
      expect(JSON.parse(await raw<string>('GET', key))).toEqual(value);
      const ttl = await raw<number>('TTL', key);
      expect(ttl).toBeGreaterThan(3000);
      expect(ttl).toBeLessThanOrEqual(3600);
    }
    await patch(`/leads/${mine.id}`, { estado: 'x' }, api.admin).expect(200);
    expect(await raw('EXISTS', `lead:${mine.id}`)).toBe(0);
  });

  test('whatever changes an opportunity invalidates its lead, and when it moves, both', async () => {
    const [a, b] = [await make({ empresa: 'A' }), await make({ empresa: 'B' })];
    const cached = async (...leads: Lead[]): Promise<void> => {
      for (const { id } of leads) await get(`/leads/${id}`).expect(200);
    };
    const left = (...leads: Lead[]): Promise<number> =>
      raw('EXISTS', ...leads.map(({ id }) => `tenant:acme:lead:${id}`));
    await cached(a, b);
    const deal = await make({ lead_id: a.id, estado: 'abierta' }, 'oportunidades');
    expect([await left(a), await left(b)]).toEqual([0, 1]);
    await cached(a);
    await patch(`/oportunidades/${deal.id}`, { estado: 'ganada' }).expect(200);
    expect([await left(a), await left(b)]).toEqual([0, 1]);
    await cached(a);
    await patch(`/oportunidades/${deal.id}`, { lead_id: b.id }).expect(200);
    expect([await left(a), await left(b)]).toEqual([0, 0]);
    await cached(a, b);
    await remove(`/oportunidades/${deal.id}`).expect(204);
    expect([await left(a), await left(b)]).toEqual([1, 0]);
  });

  test('a lead takes its opportunities along', async () => {
    const lead = await make({ empresa: 'A' });
    const deal = await make({ lead_id: lead.id }, 'oportunidades');
    await get(`/oportunidades/${deal.id}`, acme, other).expect(200);
    await remove(`/leads/${lead.id}`).expect(204);
    await get(`/oportunidades/${deal.id}`, acme, other).expect(404);
    const refused = await request(api.server).post('/oportunidades').set(acme).send({ lead_id: lead.id }).expect(422);
    expect(refused.body).toMatchObject({ code: 'unprocessable', errors: [{ path: 'lead_id' }] });
  });

  test('of two who change the same state, one is told so', async () => {
    const lead = await make({ empresa: 'A', estado: 'nuevo' });
    const path = `/leads/${lead.id}`;
    const { etag = '' } = (await get(path).expect(200)).headers;
    const both = await Promise.all([
      patch(path, { estado: 'uno' }).set('if-match', etag),
      patch(path, { contacto: 'dos' }, acme, other).set('if-match', etag),
    ]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    expect(both.find(({ status }) => status === 412)?.body).toMatchObject({ code: 'precondition_failed' });
    expect((await get(path).expect(200)).body).toMatchObject({ version: 2 });
    await remove(path).set('if-match', etag).expect(412);
    await patch(path, { estado: 'x' }).set('if-match', 'nonsense').expect(400);
    await patch(path, { estado: 'x' }).set('if-match', '*').expect(200);
    const again = await get(path).expect(200);
    await get(path).set('if-none-match', `W/${again.headers['etag']}`).expect(304);
    await get(path).set('if-none-match', etag).expect(200);
    await remove(path).set('if-match', `"0", ${again.headers['etag']}`).expect(204);
  });

  test('a record made anew under the same id has another tag', async () => {
    const id = randomUUID();
    const before = await request(api.server).post('/leads').set(acme).send({ id, empresa: 'A' }).expect(201);
    await request(api.server).post('/leads').set(acme).send({ id, empresa: 'A' }).expect(409);
    await remove(`/leads/${id}`).expect(204);
    const after = await request(api.server).post('/leads').set(acme).send({ id, empresa: 'A' }).expect(201);
    expect(after.headers['etag']).not.toBe(before.headers['etag']);
  });

  test('changes merge: fields that are not named stay, however many change others at once', async () => {
    const lead = await make({ empresa: 'A' });
    const names = Array.from({ length: 20 }, (_, at) => `campo_${at}`);
    await Promise.all(
      names.map((name, at) => patch(`/leads/${lead.id}`, { [name]: at }, acme, at % 2 ? api : other).expect(200)),
    );
    const { body } = await get(`/leads/${lead.id}`).expect(200);
    expect(body).toMatchObject({ ...Object.fromEntries(names.map((name, at) => [name, at])), version: 21 });
  });

  test('bad input is told with its place, and changes nothing', async () => {
    const lead = await make({ empresa: 'A', origen: 'x' });
    const faults = async (sent: Test): Promise<unknown> => {
      const { body } = await sent.expect(400);
      return (body as { errors: { path: string }[] }).errors.map(({ path }) => path);
    };
    const post = (fields: unknown): Test =>
      request(api.server)
        .post('/leads')
        .set(acme)
        .send(fields as object);
    expect(await faults(post({}))).toEqual(['empresa']);
    expect(await faults(post([]))).toEqual(['']);
    expect(await faults(post({ empresa: ' ', contacto: 7, estado: 'x'.repeat(65), id: 'no', version: 3 }))).toEqual([
      'id',
      'empresa',
      'contacto',
      'estado',
      'version',
    ]);
    expect(await faults(post({ empresa: 'A', 'a b': 1, x: 'a\0b', y: '\ud800' }))).toEqual(['a b', 'x', 'y']);
    expect(await faults(post({ empresa: 'A', big: 'x'.repeat(40_000) }))).toEqual(['']);
    const path = `/leads/${lead.id}`;
    expect(await faults(patch(path, { id: randomUUID() }))).toEqual(['id']);
    expect(await faults(patch(path, { empresa: null }))).toEqual(['empresa']);
    expect(await faults(patch(path, { updated_at: 'now', estado: 5 }))).toEqual(['updated_at']);
    const large = '{"empresa":"A","cuenta":12345678901234567890}';
    expect(await faults(request(api.server).post('/leads').set(acme).type('json').send(large))).toEqual(['cuenta']);
    const nested = (levels: number): Test =>
      request(api.server)
        .patch(path)
        .set(acme)
        .type('json')
        .send(`{"a":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`);
    expect(await faults(nested(300))).toEqual(['a']);
    expect((await nested(30_000).expect(400)).body).toMatchObject({ code: 'body_too_deep' });
    expect((await get(path).expect(200)).body).toEqual(lead);
    expect(await faults(get('/leads?sort=nothing'))).toEqual(['sort']);
    expect(await faults(get('/leads?limit=0&tenant=globex'))).toEqual(expect.arrayContaining(['limit', 'tenant']));
    expect(await faults(get('/leads?cursor=abc'))).toEqual(['cursor']);
    const { body } = await get('/leads?limit=1').expect(200);
    const { next_cursor: cursor } = body as { next_cursor: string };
    expect(await faults(get(`/leads?limit=1&sort=empresa&cursor=${cursor}`))).toEqual(['cursor']);
    expect(await faults(get(`/oportunidades?limit=1&cursor=${cursor}`))).toEqual(['cursor']);
  });

  test('lists are searched, ordered and paged, each record once, while others write', async () => {
    const key = await keyOf('lists');
    const wanted = new Set<string>();
    for (let n = 0; n < 25; n += 1) {
      const empresa = `${n % 2 ? 'Peña' : 'Ágora'} ${String(n).padStart(2, '0')}`;
      wanted.add((await make({ empresa, estado: n % 5 ? 'nuevo' : 'ganado', nota: `feria-${n}` }, 'leads', key)).id);
    }
    const pages = async (query: string): Promise<Lead[]> => {
      const seen: Lead[] = [];
      let cursor = '';
      for (;;) {
        const { body } = await get(`/leads?limit=7&${query}${cursor}`, key).expect(200);
        const page = body as { leads: Lead[]; next_cursor: string | null };
        seen.push(...page.leads);
        if (page.next_cursor === null) return seen;
        cursor = `&cursor=${page.next_cursor}`;
        await make({ empresa: 'Zeta', estado: 'otro', nota: 'meanwhile' }, 'leads', key);
      }
    };
    const empresas = (leads: readonly Lead[]): string[] => leads.map(({ empresa }) => String(empresa));
    const all = await pages('');
    expect(all.map(({ id }) => id)).toHaveLength(25);
    expect(new Set(all.map(({ id }) => id))).toEqual(wanted);
    const byName = empresas(await pages('sort=empresa&q=feria'));
    expect(byName).toEqual(byName.toSorted((a, b) => (a.normalize('NFD') < b.normalize('NFD') ? -1 : 1)));
    expect(byName).toHaveLength(25);
    expect(await pages('q=pena')).toHaveLength(12);
    expect(await pages('q=AGO%2004')).toHaveLength(1);
    expect(await pages('q=%26%7C!')).toHaveLength(0);
    expect(await pages('estado=ganado&sort=-updated_at')).toHaveLength(5);
    expect((await get('/leads?q=pena', globex).expect(200)).body).toEqual({ leads: [], next_cursor: null });
  });

  test('trap 7: another tenant’s record is one that there is not, even under the same id and once it is cached', async () => {
    const id = randomUUID();
    const mine = await make({ id, empresa: 'Acme' });
    await get(`/leads/${id}`).expect(200);
    await get(`/leads/${id}`, globex).expect(404);
    await patch(`/leads/${id}`, { empresa: 'X' }, globex).expect(404);
    await remove(`/leads/${id}`, globex).expect(404);
    await request(api.server).post('/oportunidades').set(globex).send({ lead_id: id }).expect(422);
    const theirs = await make({ id, empresa: 'Globex' }, 'leads', globex);
    expect((await get(`/leads/${id}`, globex).expect(200)).body).toEqual(theirs);
    expect((await get(`/leads/${id}`).expect(200)).body).toEqual(mine);
    await remove(`/leads/${id}`, globex).expect(204);
    expect((await get(`/leads/${id}`).expect(200)).headers['x-cache']).toBe('HIT');
    await get(`/leads/${id}`, await keyOf('acme', ['cache'])).expect(403);
  });

  test('trap 12: a hostile id reaches no key and no row', async () => {
    for (const id of [
      '..',
      '*',
      'lead:x',
      `${randomUUID()}%00`,
      'x'.repeat(900),
      '__proto__',
      `%7B${randomUUID()}%7D`,
    ]) {
      for (const sent of [
        get(`/leads/${id}`),
        patch(`/leads/${id}`, { estado: 'x' }),
        remove(`/oportunidades/${id}`),
      ]) {
        expect([400, 404]).toContain((await sent).status);
      }
    }
    const polluted = '{"empresa":"A","__proto__":{"x":1}}';
    await request(api.server).post('/leads').set(acme).type('json').send(polluted).expect(400);
    const lead = await make({ empresa: 'A', constructor: 1, toString: 'x', hasOwnProperty: true });
    expect((await get(`/leads/${lead.id}`).expect(200)).body).toEqual(lead);
    const folded = await get(`/leads/${lead.id.toUpperCase()}`).expect(200);
    expect(folded.headers['x-cache']).toBe('HIT');
  });

  test('with RECORDS_OWNER=etl they are read, and written by nobody here', async () => {
    const lead = await make({ empresa: 'A' });
    const fed = await testApi({ REDIS_URL: redis.url, DATABASE_URL: database.url, RECORDS_OWNER: 'etl' });
    try {
      await get(`/leads/${lead.id}`, acme, fed).expect(200);
      await get('/leads', acme, fed).expect(200);
      for (const sent of [
        request(fed.server).post('/leads').set(acme).send({ empresa: 'B' }),
        patch(`/leads/${lead.id}`, { estado: 'x' }, acme, fed),
        remove(`/leads/${lead.id}`, acme, fed),
      ]) {
        expect((await sent.expect(409)).body).toMatchObject({ code: 'records_read_only' });
      }
    } finally {
      await fed.close();
    }
  });
});
