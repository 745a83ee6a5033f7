import { Keyring } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { startPostgres, type TestPostgres, until } from '@promptsales/test-kit';
import { randomBytes } from 'node:crypto';
import { CONFIGURATION_MIGRATIONS, ProviderDirectory } from '../src/index.js';
import type { ConfigurationTables } from '../src/configuration-tables.js';
import type { JsonObject } from '../src/json.js';
import { sealAll } from '../src/secrets/opened.js';
import { Seal } from '../src/secrets/seal.js';
import { configurationRef } from '../src/stored/configuration-copy.js';
import { deleteRow, writeRow } from '../src/stored/configuration-rows.js';

describe('the directory of providers', () => {
  let server: TestPostgres;
  let database: Database;
  let directory: ProviderDirectory;
  const events: string[] = [];
  const seal = new Seal(new Keyring([randomBytes(32)]));

  const store = (tenant: string, key: string, value: JsonObject, byAdministrator = false, by = seal) =>
    writeRow(database.as<ConfigurationTables>(), {
      tenant,
      key,
      type: 'provider',
      value: sealAll(value, configurationRef(key, tenant).key, by),
      byAdministrator,
    });
  const started = (): Promise<ProviderDirectory> =>
    new ProviderDirectory({
      database,
      seal,
      observer: {
        watchFailed: (error) => events.push(String(error)),
        unreadableCredential: (provider) => events.push(`unreadable ${provider}`),
      },
    }).start();

  beforeAll(async () => {
    server = await startPostgres();
    database = await Database.start({
      url: server.url,
      migrations: [CONFIGURATION_MIGRATIONS],
      log: { info: () => undefined, warn: () => undefined },
    });
  });

  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  beforeEach(async () => {
    await database.as<ConfigurationTables>().deleteFrom('configurations').execute();
    events.length = 0;
    directory = await started();
  });

  afterEach(() => directory.stop());

  it('knows what is stored when it starts, and what is stored, replaced and deleted later, by whatever means', async () => {
    await store('acme', 'openai', { base_url: 'http://one/v1', token: 'sk-one' });
    const other = await started();
    expect(other.find('acme', 'openai')).toMatchObject({ baseUrl: 'http://one/v1', credential: 'sk-one' });
    await until(() => directory.find('acme', 'openai')?.credential === 'sk-one');
    await store('acme', 'openai', { base_url: 'http://two/v1', api_key: 'sk-two' });
    await until(() => directory.find('acme', 'openai')?.baseUrl === 'http://two/v1');
    expect(directory.find('acme', 'openai')).toMatchObject({ credential: 'sk-two' });
    await deleteRow(database.as<ConfigurationTables>(), 'acme', 'openai');
    await until(() => directory.find('acme', 'openai') === null);
    other.stop();
  });

  it('gives a tenant its own first, then what an administrator stored for all', async () => {
    await store('default', 'openai', { base_url: 'http://all/v1' }, true);
    await store('default', 'local', { base_url: 'http://mine/v1', models: ['m'] });
    await store('default', 'shared', { base_url: 'http://shared/v1', models: ['m', 'n'] }, true);
    await store('acme', 'own', { base_url: 'http://own/v1', models: ['n'] });
    await store('acme', 'idle', { models: ['idle'] });
    await directory.refresh();
    expect(directory.find('acme', 'openai')?.baseUrl).toBe('http://all/v1');
    expect(directory.find('acme', 'local')).toBeNull();
    expect(directory.find('default', 'local')?.name).toBe('local');
    expect(directory.offering('default', 'm', 'openai')?.name).toBe('local');
    expect(directory.offering('acme', 'm', 'openai')?.name).toBe('shared');
    expect(directory.offering('acme', 'n', 'openai')?.name).toBe('own');
    expect(directory.offering('globex', 'n', 'openai')?.name).toBe('shared');
    expect(directory.offering('acme', 'idle', 'openai')).toBeNull();
    await store('acme', 'openai', { base_url: 'http://acme/v1' });
    await directory.refresh();
    expect(directory.find('acme', 'openai')?.baseUrl).toBe('http://acme/v1');
    expect(directory.find('globex', 'openai')?.baseUrl).toBe('http://all/v1');
  });

  it('has no credential where none can be decrypted, and says so', async () => {
    await store(
      'acme',
      'openai',
      { base_url: 'http://one/v1', token: 'sk-one' },
      false,
      new Seal(new Keyring([randomBytes(32)])),
    );
    await directory.refresh();
    expect(directory.find('acme', 'openai')).toMatchObject({ baseUrl: 'http://one/v1', credential: null });
    expect(events).toContain('unreadable openai');
  });

  it('goes on with what it knows while the database is away', async () => {
    await store('acme', 'openai', { base_url: 'http://one/v1' });
    await directory.refresh();
    await server.kill();
    await directory.refresh();
    expect(directory.find('acme', 'openai')?.baseUrl).toBe('http://one/v1');
    expect(events.length).toBeGreaterThan(0);
    await server.restart();
    await until(() => database.state === 'connected');
  });
});
