import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '@promptsales/database';
import { startPostgres, type TestPostgres } from '@promptsales/test-kit';
import { sql } from 'kysely';
import { inspect } from 'node:util';
import { ADMINISTRATOR, ApiKeys } from '../src/index.js';
import { newKey } from '../src/keys/key-format.js';
import { ADMIN_KEY, as, startApi } from './api-server.js';

const actor = { principal: ADMINISTRATOR, requestId: null };

describe('keys while PostgreSQL is away', () => {
  let server: TestPostgres;
  let app: NestFastifyApplication;
  const lines: string[] = [];

  beforeAll(async () => {
    server = await startPostgres();
    const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
    app = await startApi(server.url, {}, log);
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  async function issued(): Promise<{ id: string; key: string }> {
    const { apiKey, key } = await app.get(ApiKeys).create(actor, { name: 'n', tenant: 't', scopes: ['llm'] });
    await app.get(ApiKeys).authenticate(key);
    return { id: apiKey.id, key };
  }

  async function get(key: string): Promise<{ status: number; retryAfter: unknown; ms: number }> {
    const began = performance.now();
    const answer = await app.inject({ method: 'GET', url: '/v1/nothing', headers: as(key) });
    return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], ms: performance.now() - began };
  }

  async function connected(): Promise<void> {
    for (let tries = 0; tries < 2400; tries += 1) {
      if (app.get(Database).state === 'connected' && app.get(ApiKeys).status().trust === 'verified') return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('PostgreSQL did not come back within a minute');
  }

  it.each([
    ['frozen', () => Promise.resolve(server.freeze()), () => Promise.resolve(server.thaw())],
    ['killed', () => server.kill(), () => server.restart().then(() => undefined)],
  ])('a %s server: known keys go on, unknown ones get 503, nobody hangs, and it recovers', async (_, harm, heal) => {
    const { key } = await issued();
    // The servers of tests commit lazily; a killed one would forget the key.
    await sql`checkpoint`.execute(app.get(Database).as());
    await harm();
    const until = performance.now() + 4000;
    const seen = { known: [] as number[], slowest: 0 };
    while (performance.now() < until) {
      const known = await get(key);
      seen.known.push(known.status);
      seen.slowest = Math.max(seen.slowest, known.ms);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // 404: it was let in, and there is no such route.
    expect(new Set(seen.known)).toEqual(new Set([404]));
    // Who hangs does so until the server is healed, which nobody has done yet.
    expect(seen.slowest).toBeLessThan(10_000);
    expect(app.get(ApiKeys).status().trust).toBe('grace');

    const unknown = await get(newKey().key);
    expect(unknown).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
    expect(await get('not-a-key')).toMatchObject({ status: 401 });
    expect(await get(ADMIN_KEY)).toMatchObject({ status: 404 });
    await expect(app.get(ApiKeys).create(actor, { name: 'n', tenant: 't', scopes: ['llm'] })).rejects.toMatchObject({
      code: 'database_unavailable',
    });

    await heal();
    await connected();
    expect(await get(key)).toMatchObject({ status: 404 });
    expect(await get(newKey().key)).toMatchObject({ status: 401 });
    const { id, key: next } = await issued();
    await app.get(ApiKeys).revoke(actor, id);
    expect(await get(next)).toMatchObject({ status: 401 });
  });

  it('trap 30: no key and no password in what an outage logs and throws', async () => {
    const { key } = await issued();
    const unknown = newKey().key;
    await server.kill();
    const errors: unknown[] = [];
    for (const act of [
      async () => app.get(ApiKeys).authenticate(unknown),
      () => app.get(ApiKeys).create(actor, { name: 'n', tenant: 't', scopes: ['llm'] }),
      () => app.get(ApiKeys).list(ADMINISTRATOR, null, { limit: 1 }),
    ]) {
      await act().catch((error: unknown) => errors.push(error));
    }
    await server.restart();
    await connected();
    expect(errors).toHaveLength(3);
    const shown = inspect([errors, lines, app.get(ApiKeys), app.get(Database)], { depth: 20, showHidden: true });
    for (const secret of [key.slice(22), unknown.slice(22), ADMIN_KEY, `:${new URL(server.url).password}@`]) {
      expect(shown).not.toContain(secret);
    }
  });
});
