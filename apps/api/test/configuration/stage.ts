import { RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import request, { type Response, type Test } from 'supertest';
import { testApi, type TestApi } from '../test-api.js';

/** A credential, as it must be found nowhere. */
export const TOKEN = 'ghp_sentinel0123456789abcdef123';

export type Headers = Readonly<Record<string, string>>;
type Tables = Record<'configurations' | 'client_configurations' | 'audit_log', { tenant: string }>;
type Command = Parameters<ReturnType<RedisRoles['link']>['readAt']>[1];

/** Two APIs on one Redis and one PostgreSQL, and what an operator sees who says `redis-cli`. What is asked for is asked with the key `records`, unless it is said with which. */
export class ConfigurationStage {
  redis!: TestRedis;
  database!: TestDatabase;
  api!: TestApi;
  other!: TestApi;
  /** Of the tenant `default`. */
  records!: Headers;
  acme!: Headers;
  /** Database 0, which `redis-cli` shows. */
  zero!: RedisRoles;

  async open(): Promise<void> {
    this.redis = await startRedis({ appendOnly: true });
    this.database = await createDatabase();
    [this.api, this.other] = [await testApi(this.places), await testApi(this.places)];
    [this.records, this.acme] = [
      await this.api.keyOf('default', ['records']),
      await this.api.keyOf('acme', ['records']),
    ];
    this.zero = new RedisRoles({ url: this.redis.url, layout: 'single' }).open();
    await this.zero.link('cache').untilUp(30_000);
  }

  async close(): Promise<void> {
    await Promise.all([this.api.close(), this.other.close(), this.zero.close()]);
    await this.database.drop();
    await this.redis.kill();
  }

  async empty(): Promise<void> {
    await this.cli((redis) => redis.flushdb());
    await this.tables.deleteFrom('configurations').execute();
    await this.tables.deleteFrom('client_configurations').execute();
  }

  get places(): Record<string, string> {
    return { REDIS_URL: this.redis.url, DATABASE_URL: this.database.url, REDIS_DB_CACHE: '0' };
  }

  get tables(): ReturnType<typeof Database.prototype.as<Tables>> {
    return this.api.app.get(Database).as<Tables>();
  }

  readonly cli = <T>(command: Command): Promise<T> => this.zero.link('cache').readAt('x', command) as Promise<T>;

  readonly raw = async (key: string): Promise<Record<string, unknown> | null> => {
    const text = await this.cli<string | null>((redis) => redis.get(key));
    return text === null ? null : (JSON.parse(text) as Record<string, unknown>);
  };

  readonly get = (path: string, key: Headers = this.records, on = this.api): Test =>
    request(on.server).get(path).set(key);

  readonly post = (path: string, body: object | string, key: Headers = this.records, on = this.api): Test =>
    request(on.server).post(path).set(key).type('application/json').send(body);

  readonly put = (path: string, body: object, key: Headers = this.records): Test =>
    request(this.api.server).put(path).set(key).send(body);

  readonly remove = (path: string, key: Headers = this.records): Test => request(this.api.server).delete(path).set(key);
}

/** The places that a refusal names. */
export function pathsOf({ body }: Response): string[] {
  return ((body as { errors?: { path: string }[] }).errors ?? []).map(({ path }) => path);
}

/** A suite on a stage that it has for itself, with nothing configured before each test. */
export function onConfigurations(title: string, suite: (stage: ConfigurationStage) => void): void {
  describe(title, () => {
    const stage = new ConfigurationStage();
    beforeAll(() => stage.open());
    afterAll(() => stage.close());
    beforeEach(() => stage.empty());
    suite(stage);
  });
}
