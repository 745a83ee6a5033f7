import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cache, encodeValue, keyspace, valueReading, type KeyRef } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import request, { type Test } from 'supertest';
import { testApi, type TestApi } from './test-api.js';

type Key = Record<string, string>;
interface Import {
  readonly imported: number;
  readonly rejected: readonly { readonly line: number; readonly reason: string }[];
  readonly rejected_total: number;
  readonly truncated: boolean;
  readonly import_id: string;
  readonly state: string;
}

describe('imports of leads and opportunities', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;

  const newTenant = async (): Promise<{ tenant: string; key: Key }> => {
    const tenant = `t-${randomUUID()}`;
    return { tenant, key: await api.keyOf(tenant, ['records']) };
  };
  const send = (key: Key, file: string | Buffer, path = '/leads/import', type = 'text/csv', from = api): Test =>
    request(from.server)
      .post(path)
      .set(key)
      .set('content-type', type)
      .send(file as string);
  const csvOf = (count: number): string =>
    `empresa,contacto\n${Array.from({ length: count }, (_, at) => `Empresa ${at},Ana`).join('\n')}\n`;
  const countOf = async (tenant: string, table: 'leads' | 'oportunidades' = 'leads'): Promise<number> => {
    const { count } = await api.app
      .get(Database)
      .as<Record<'leads' | 'oportunidades', { tenant: string }>>()
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .where('tenant', '=', tenant)
      .executeTakeFirstOrThrow();
    return Number(count);
  };
  const progress = async (key: Key, id: string): Promise<Import> =>
    (await request(other.server).get(`/leads/imports/${id}`).set(key).expect(200)).body as Import;

  /** Sends a file and is gone once so many rows are settled. */
  const breakOff = async (key: Key, id: string, file: string, rows: number): Promise<Import> => {
    const { port } = api.server.address() as AddressInfo;
    const headers = { ...key, 'content-type': 'text/csv', 'idempotency-key': id, 'transfer-encoding': 'chunked' };
    const sent = httpRequest({ port, method: 'POST', path: '/leads/import', headers });
    sent.on('error', () => undefined);
    sent.write(file);
    for (;;) {
      const { status, body } = await request(other.server).get(`/leads/imports/${id}`).set(key);
      if (status === 200 && (body as Import).imported >= rows) break;
    }
    sent.destroy();
    return progress(key, id);
  };

  beforeAll(async () => {
    redis = await startRedis();
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url };
    api = await testApi(places);
    other = await testApi(places);
    for (const { app } of [api, other]) await app.listen(0, '127.0.0.1');
  });

  afterAll(async () => {
    await Promise.all([api.close(), other.close()]);
    await redis.kill();
    await database.drop();
  });

  test('CSV: what is good is made, what is not is told with its line and a reason', async () => {
    const { tenant, key } = await newTenant();
    const [taken, twice] = [randomUUID(), randomUUID()];
    await request(api.server).post('/leads').set(key).send({ id: taken, empresa: 'Taken' }).expect(201);
    const file = [
      'id,empresa,contacto,estado,fuente',
      `,"Peña, S.A.",Ana,,feria`,
      `${twice},B,,ganado,`,
      `${twice.toUpperCase()},C,,,`,
      `${taken},D,,,`,
      'not-a-uuid,E,,,',
      `,,Ana,,`,
      ',F,Ana',
      ',"G"x,,,',
      `,H,,${'x'.repeat(65)},`,
      ',"I,,,',
    ].join('\n');
    const { body, headers } = await send(key, file).expect(200);
    const answer = body as Import;
    expect(answer).toMatchObject({ imported: 2, rejected_total: 8, truncated: false, state: 'done' });
    expect(answer.rejected).toEqual([
      { line: 4, reason: 'id: the same as that of line 3' },
      { line: 5, reason: 'id: there is a record of this id already' },
      { line: 6, reason: 'id: must be a UUID' },
      { line: 7, reason: 'empresa: must be there' },
      { line: 8, reason: 'has 3 columns, and the first line has 5' },
      { line: 9, reason: expect.stringContaining('quote') },
      { line: 10, reason: 'estado: must be text of 1 to 64 characters' },
      { line: 11, reason: 'a quote is opened and not closed' },
    ]);
    expect(headers['location']).toBe(`/leads/imports/${answer.import_id}`);
    const { body: made } = await request(api.server).get(`/leads/${twice}`).set(key).expect(200);
    expect(made).toMatchObject({ empresa: 'B', contacto: null, estado: 'ganado', version: 1 });
    const { body: found } = await request(api.server).get('/leads?q=feria').set(key).expect(200);
    expect((found as { leads: object[] }).leads).toMatchObject([{ empresa: 'Peña, S.A.', estado: 'nuevo' }]);
    expect(await countOf(tenant)).toBe(3);
  });

  test('NDJSON, of opportunities, whose lead has to be there', async () => {
    const { tenant, key } = await newTenant();
    const stranger = await newTenant();
    const lead = async (as: Key): Promise<string> =>
      ((await request(api.server).post('/leads').set(as).send({ empresa: 'A' }).expect(201)).body as { id: string }).id;
    const [mine, theirs] = [await lead(key), await lead(stranger.key)];
    const file = [
      { lead_id: mine, monto: '1500.50', estado: 'ganada' },
      { lead_id: theirs },
      { lead_id: mine, id: 7 },
      { estado: 'x' },
      { lead_id: mine, lineas: [{ sku: 'x', n: 2 }] },
    ];
    const text = `${file.map((row) => JSON.stringify(row)).join('\n')}\n{"lead_id":`;
    const { body } = await send(key, text, '/oportunidades/import', 'application/x-ndjson; charset=utf-8').expect(200);
    expect(body).toMatchObject({
      imported: 2,
      rejected: [
        { line: 2, reason: 'lead_id: there is no lead of this id' },
        { line: 3, reason: 'id: must be a UUID' },
        { line: 4, reason: 'lead_id: must be there' },
        { line: 6, reason: 'is not JSON' },
      ],
    });
    expect(await countOf(tenant, 'oportunidades')).toBe(2);
  });

  test('what cannot be an import is refused whole, and makes nothing', async () => {
    const { tenant, key } = await newTenant();
    const refused = async (sent: Test, status: number): Promise<string> => (await sent.expect(status)).text;
    expect(await refused(send(key, 'nombre,x\nA,1\n'), 400)).toContain('there is no column empresa');
    expect(await refused(send(key, ''), 400)).toContain('does not name the columns');
    expect(await refused(send(key, Buffer.from('\uFEFFempresa\nA\n', 'utf16le')), 400)).toContain('UTF-8');
    await refused(send(key, 'empresa\nA\n', '/leads/import', 'text/csv; charset=iso-8859-1'), 415);
    await refused(send(key, 'empresa\nA\n', '/leads', 'text/csv'), 415);
    await refused(send(key, '{}', '/leads/import', 'application/json'), 415);
    await refused(send(key, 'empresa\nA\n').set('idempotency-key', 'a b'), 400);
    const form = send(key, 'x', '/leads/import', 'multipart/form-data; boundary=x');
    expect(await refused(form, 415)).toContain('text/csv or application/x-ndjson');
    // Nor is there anything to be followed.
    await refused(send(key, 'nombre\nA\n').set('idempotency-key', 'nothing'), 400);
    await request(api.server).get('/leads/imports/nothing').set(key).expect(404);
    expect(await countOf(tenant)).toBe(0);
  });

  test('an import that was broken off goes on behind its last batch, from another process, and makes nothing twice', async () => {
    const { tenant, key } = await newTenant();
    const file = csvOf(4500);
    // Not the whole of it: the last lines come only with the second attempt.
    const broken = await breakOff(key, 'spring', file.slice(0, file.length - 20), 2000);
    expect(broken.state).toBe('running');
    expect(broken.imported % 1000).toBe(0);
    expect(api.logged()).not.toContain('request failed');
    const { body } = await send(key, file, '/leads/import', 'text/csv', other)
      .set('idempotency-key', '"spring"')
      .expect(200);
    expect(body).toMatchObject({ imported: 4500, rejected_total: 0, import_id: 'spring', state: 'done' });
    expect(await countOf(tenant)).toBe(4500);
    const again = await send(key, file).set('idempotency-key', 'spring').expect(200);
    expect(again.body).toEqual(body);
    for (const another of [
      file.replace('empresa,contacto', 'contacto,empresa'),
      file.replace('Empresa 7,', 'Empresa 8,'),
      `${file}Z,Ana\n`,
      csvOf(10),
    ]) {
      await send(key, another).set('idempotency-key', 'spring').expect(422);
    }
    expect(await countOf(tenant)).toBe(4500);
    const stranger = await newTenant();
    await request(api.server).get('/leads/imports/spring').set(stranger.key).expect(404);
    await send(stranger.key, 'empresa\nA\n').set('idempotency-key', 'spring').expect(200);
  });

  test('of two that send one import at once, only the later makes rows', async () => {
    const { tenant, key } = await newTenant();
    const file = csvOf(6000);
    const both = await Promise.all(
      [api, other].map((from) =>
        send(key, file, '/leads/import', 'text/csv', from)
          .set('idempotency-key', 'twice')
          .ok(() => true),
      ),
    );
    const statuses = both.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    expect(await countOf(tenant)).toBe(6000);
  });

  test('two imports of the same records at once make each once, in whatever order they name them', async () => {
    const { tenant, key } = await newTenant();
    const ids = Array.from({ length: 900 }, () => randomUUID());
    const files = [ids, ids.toReversed()].map((some) => `id,empresa\n${some.map((id) => `${id},A`).join('\n')}\n`);
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(
        files.map((file, at) => send(key, file, '/leads/import', 'text/csv', at === 0 ? api : other).expect(200)),
      );
      const made = answers.map(({ body }) => (body as Import).imported);
      expect([round, (made[0] ?? 0) + (made[1] ?? 0)]).toEqual([round, 900]);
      expect(await countOf(tenant)).toBe(900);
      await api.app
        .get(Database)
        .as<Record<'leads', { tenant: string }>>()
        .deleteFrom('leads')
        .where('tenant', '=', tenant)
        .execute();
    }
  });

  test('rejections are counted, and the first thousand of them told', async () => {
    const { key } = await newTenant();
    const { body } = await send(key, `empresa,contacto\n${'A\n'.repeat(2500)}B,\n`).expect(200);
    const answer = body as Import;
    expect(answer).toMatchObject({ imported: 1, rejected_total: 2500, truncated: true });
    expect(answer.rejected).toHaveLength(1000);
    expect(answer.rejected.at(-1)?.line).toBe(1001);
  });

  test('a body over the limit of other routes is taken, and is never held whole', async () => {
    const { tenant, key } = await newTenant();
    const row = `A,${'x'.repeat(20_000)}\n`;
    const { body } = await send(key, `empresa,nota\n${row.repeat(1000)}`).expect(200);
    expect(body).toMatchObject({ imported: 1000 });
    expect(await countOf(tenant)).toBe(1000);
  });

  test('trap 3: an import outdates its own kind and tenant once, and nothing of its neighbours', async () => {
    const { tenant, key } = await newTenant();
    const cache = api.app.get(Cache);
    const uuid = randomUUID();
    const kept: readonly KeyRef[] = [
      keyspace.lead.at({ uuid }, 'neighbour'),
      keyspace.oportunidad.at({ uuid }, tenant),
      keyspace.appValue.at({ key: `lead:${uuid}` }, tenant),
    ];
    const own = keyspace.lead.at({ uuid }, tenant);
    for (const ref of [...kept, own]) {
      expect(await cache.put({ ref }, { stored: encodeValue(ref.family, { id: uuid }) })).toBe('stored');
    }
    const bumped = jest.spyOn(cache, 'invalidateFamily');
    await send(key, csvOf(3000)).expect(200);
    expect(bumped.mock.calls.map(([family, of]) => [family.id, of])).toEqual([['lead', tenant]]);
    bumped.mockRestore();
    const read = async (ref: KeyRef): Promise<string> => (await other.app.get(Cache).lookup(valueReading(ref))).kind;
    expect(await Promise.all(kept.map(read))).toEqual(['hit', 'hit', 'hit']);
    expect(await read(own)).toBe('miss');
  });

  test('a lead is there for everybody as soon as its import is acknowledged', async () => {
    const { key } = await newTenant();
    const ids = Array.from({ length: 2000 }, () => randomUUID());
    const watched = [ids[0], ids[1500], ids[1999]].map(String);
    const over = new AbortController();
    const asking = watched.map(async (id, at) => {
      const seen: number[] = [];
      while (!over.signal.aborted)
        seen.push(
          (
            await request((at % 2 ? api : other).server)
              .get(`/leads/${id}`)
              .set(key)
          ).status,
        );
      return seen;
    });
    await send(key, `id,empresa\n${ids.map((id) => `${id},A`).join('\n')}`).expect(200);
    for (const id of watched) {
      for (const from of [api, other]) await request(from.server).get(`/leads/${id}`).set(key).expect(200);
    }
    over.abort();
    for (const seen of await Promise.all(asking)) {
      // Once it was there, it stays.
      expect(seen.join(' ')).toMatch(/^(404 ?)*(200 ?)*$/);
    }
  });

  test('trap 12: a hostile name of an import is none', async () => {
    const { key } = await newTenant();
    for (const name of ['%00', 'a%20b', '*', '__proto__', '%F0%9F%98%80', 'x'.repeat(900)]) {
      await request(api.server).get(`/leads/imports/${name}`).set(key).expect(404);
    }
    for (const name of ['a b', '', '"', 'ñ', 'x'.repeat(129)]) {
      const sent = send(key, 'empresa\nA\n').set('idempotency-key', Buffer.from(name).toString('latin1'));
      expect((await sent.expect(400)).body).toMatchObject({ code: 'bad_header' });
    }
  });

  test('trap 30: nothing that a record says reaches the log, nor a metric', async () => {
    const { key } = await newTenant();
    const secret = 'confidencial-0815';
    await request(api.server).post('/leads').set(key).send({ empresa: secret, nota: secret, estado: 7 }).expect(400);
    const { body } = await request(api.server).post('/leads').set(key).send({ empresa: secret }).expect(201);
    const { id } = body as { id: string };
    await request(api.server).get(`/leads/${id}`).set(key).expect(200);
    await request(api.server).get(`/leads?q=${secret}`).set(key).expect(200);
    await send(key, `empresa,nota\n${secret},"${secret}\n${secret}\n`).expect(200);
    const metrics = await request(api.server).get('/metrics').set(api.admin).expect(200);
    for (const text of [api.logged(), metrics.text]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(id);
    }
  });
});
