import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '@promptsales/database';
import { startPostgres, type TestPostgres, until } from '@promptsales/test-kit';
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

  async function get(key: string): Promise<{ status: number; retryAfter: unknown }> {
    const answer = await app.inject({ method: 'GET', url: '/v1/nothing', headers: as(key) });
    return { status: answer.statusCode, retryAfter: answer.headers['retry-after'] };
  }

  const trust = (): string => app.get(ApiKeys).status().trust;
  const connected = (): Promise<void> =>
    until(() => app.get(Database).state === 'connected' && trust() === 'verified', 60_000);

  it.each([
    ['frozen', () => Promise.resolve(server.freeze()), () => Promise.resolve(server.thaw())],
    ['killed', () => server.kill(), () => server.restart().then(() => undefined)],
  ])('a %s server: known keys go on, unknown ones get 503, nobody hangs, and it recovers', async (_, harm, heal) => {
    const { key } = await issued();
    // The servers of tests commit lazily; a killed one would forget the key.
    await sql`checkpoint`.execute(app.get(Database).as());
    await harm();
    // Who hung would do so until the server is healed, which nobody has done yet. 404: let in, and there is no such route.
    await until(async () => {
      expect(await get(key)).toMatchObject({ status: 404 });
      return trust() === 'grace';
    });
    for (let more = 0; more < 50; more += 1) expect(await get(key)).toMatchObject({ status: 404 });
    expect(trust()).toBe('grace');

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
