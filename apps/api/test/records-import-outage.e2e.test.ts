import { setTimeout } from 'node:timers/promises';
import { startPostgres, startRedis, type TestPostgres, type TestRedis } from '@promptsales/test-kit';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const LEADS = 12_000;

interface Import {
  readonly imported: number;
  readonly state: string;
}

describe('an import during which PostgreSQL goes away', () => {
  let postgres: TestPostgres;
  let redis: TestRedis;
  let api: TestApi;

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([startPostgres({ durable: true }), startRedis()]);
    api = await testApi({ DATABASE_URL: postgres.url, REDIS_URL: redis.url, DATABASE_WAIT_MS: '2000' });
    await api.app.listen(0, '127.0.0.1');
  });

  afterAll(async () => {
    await api.close();
    await Promise.all([postgres.stop(), redis.kill()]);
  });

  const file = (id: string): string =>
    `empresa,contacto\n${Array.from({ length: LEADS }, (_, at) => `${id} ${at},Ana`).join('\n')}\n`;
  const send = (id: string) =>
    request(api.server)
      .post('/leads/import')
      .set({ ...api.admin, 'content-type': 'text/csv', 'idempotency-key': id })
      .send(file(id));
  const progress = async (id: string): Promise<number> => {
    const { status, body } = await request(api.server).get(`/leads/imports/${id}`).set(api.admin);
    return status === 200 ? (body as Import).imported : 0;
  };
  const found = async (word: string): Promise<number> => {
    let count = 0;
    let cursor = '';
    for (;;) {
      const { body } = await request(api.server).get(`/leads?limit=200&q=${word}${cursor}`).set(api.admin).expect(200);
      const page = body as { leads: object[]; next_cursor: string | null };
      count += page.leads.length;
      if (page.next_cursor === null) return count;
      cursor = `&cursor=${page.next_cursor}`;
    }
  };

  it.each([
    ['killed', (server: TestPostgres) => server.kill(), (server: TestPostgres) => server.restart()],
    ['frozen', async (server: TestPostgres) => server.freeze(), async (server: TestPostgres) => server.thaw()],
  ])('goes on when it is back, and makes nothing twice: %s', async (what, take, giveBack) => {
    const sent = send(what).then((answer) => answer);
    while ((await progress(what)) < 2000) await setTimeout(5);
    await take(postgres);
    await setTimeout(7000);
    await giveBack(postgres);
    const { status, body } = await sent;
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ imported: LEADS, rejected_total: 0, state: 'done' }),
    ]);
    expect(await found(what)).toBe(LEADS);
  });
});
