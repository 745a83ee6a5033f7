/** Policies in PostgreSQL, and what each process knows of them. */
import { setTimeout as pause } from 'node:timers/promises';
import { Database } from '@promptsales/database';
import { startPostgres, type TestPostgres, until } from '@promptsales/test-kit';
import { POLICY_MIGRATIONS, PolicyDirectory, type CachePolicy } from '../src/index.js';
import { Policies, type PolicyAct, type PolicyActor } from '../src/policies/policies.js';
import type { PolicyTables } from '../src/policies/policy-tables.js';
import { PATIENT_DATABASE } from './ledger/patience.js';

const SUBJECT = { provider: 'openai', model: 'gpt-4o', tenant: 'acme', keyId: 'k1' };

describe('stored policies', () => {
  let server: TestPostgres;
  let database: Database;
  let policies: Policies;
  let directory: PolicyDirectory;
  let acts: PolicyAct[];
  let failures: unknown[];
  const actor: PolicyActor = {
    note: (_transaction, act) => {
      acts.push(act);
      return Promise.resolve();
    },
  };

  const policy = (name: string, more: Partial<CachePolicy> = {}): CachePolicy => ({
    name,
    match: {},
    mode: 'all',
    share: 'tenant',
    ...more,
  });
  /** What each process comes to know by itself. */
  const knownAs = async (known: Partial<CachePolicy>): Promise<CachePolicy> => {
    await until(() =>
      Object.entries(known).every(([name, value]) => Reflect.get(directory.choose(SUBJECT), name) === value),
    );
    return directory.choose(SUBJECT);
  };

  beforeAll(async () => {
    server = await startPostgres();
    database = await Database.start({
      url: server.url,
      migrations: [POLICY_MIGRATIONS],
      log: { info: () => undefined, warn: () => undefined },
      ...PATIENT_DATABASE,
    });
    policies = new Policies(database);
  });

  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  beforeEach(async () => {
    [acts, failures] = [[], []];
    await database.as<PolicyTables>().deleteFrom('llm_policies').where('name', '!=', 'default').execute();
    await policies.save(actor, policy('default'));
    acts.length = 0;
    directory = await new PolicyDirectory(database, (error) => failures.push(error)).start();
  });

  afterEach(() => directory.stop());

  it('begin with the default', async () => {
    expect(await policies.find('default')).toMatchObject({ name: 'default', match: {}, mode: 'all', share: 'tenant' });
    expect(directory.choose(SUBJECT)).toMatchObject({ name: 'default', mode: 'all' });
  });

  it('come back as they were stored, whole', async () => {
    const whole = policy('whole', {
      match: { provider: 'openai', model: 'gpt-4o', tenant: 'acme', keyId: 'k1' },
      mode: 'bucket',
      bucket: 3,
      ttlSeconds: 60,
      share: 'all',
      semantic: { enabled: false, delta: 0.02, embedder: { baseUrl: 'http://e/v1', model: 'e' } },
    });
    const { created, policy: stored } = await policies.save(actor, whole);
    expect([created, stored]).toEqual([true, { ...whole, createdAt: stored.createdAt, updatedAt: stored.updatedAt }]);
    expect(await policies.find('whole')).toEqual(stored);
    await directory.refresh();
    expect(directory.choose(SUBJECT)).toMatchObject(whole);
    const again = await policies.save(actor, policy('whole'));
    expect(again).toMatchObject({ created: false, policy: { createdAt: stored.createdAt } });
    expect(again.policy).not.toHaveProperty('semantic');
  });

  it('are known to a process that was not told, when they are made, changed and removed', async () => {
    const off = policy('off', { match: { model: 'gpt-4o' }, mode: 'off' });
    await policies.save(actor, off);
    expect(await knownAs({ mode: 'off' })).toEqual(expect.objectContaining(off));
    await policies.save(actor, { ...off, mode: 'deterministic' });
    expect((await knownAs({ mode: 'deterministic' })).name).toBe('off');
    await policies.remove(actor, 'off');
    expect((await knownAs({ name: 'default' })).mode).toBe('all');
    await policies.save(actor, policy('default', { mode: 'off' }));
    expect((await knownAs({ mode: 'off' })).name).toBe('default');
  });

  it('of which two match alike hold as they were changed last', async () => {
    // When a policy was changed is known to the millisecond.
    const change = async (name: string): Promise<void> => {
      await policies.save(actor, policy(name, { match: { model: 'gpt-4o' } }));
      await pause(5);
    };
    await change('b');
    await change('a');
    await directory.refresh();
    expect(directory.choose(SUBJECT).name).toBe('a');
    await change('b');
    await directory.refresh();
    expect(directory.choose(SUBJECT).name).toBe('b');
  });

  it('are changed together with their line in the audit log, or not at all', async () => {
    await policies.save(actor, policy('mine', { mode: 'off' }));
    await policies.save(actor, policy('mine', { ttlSeconds: 5 }));
    await policies.remove(actor, 'mine');
    expect(acts.map(({ action, target }) => [action, target])).toEqual([
      ['llm_policy.create', 'llm_policy:mine'],
      ['llm_policy.replace', 'llm_policy:mine'],
      ['llm_policy.delete', 'llm_policy:mine'],
    ]);
    expect(acts[1]?.detail).toMatchObject({ before: { mode: 'off' }, after: { mode: 'all', ttl: 5 } });
    const refusing: PolicyActor = { note: () => Promise.reject(new Error('no audit log')) };
    await expect(policies.save(refusing, policy('mine'))).rejects.toThrow('no audit log');
    await expect(policies.find('mine')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('are made once when many make one at a time', async () => {
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, at) => policies.save(actor, policy('many', { ttlSeconds: at + 1 }))),
    );
    expect(made.filter(({ created }) => created)).toHaveLength(1);
  });

  it('are listed by name, page by page', async () => {
    for (const name of ['c', 'a', 'b']) await policies.save(actor, policy(name));
    const names = async (after: string | null) => (await policies.list(after, 2)).map(({ name }) => name);
    expect([await names(null), await names('b'), await names('default')]).toEqual([['a', 'b'], ['c', 'default'], []]);
  });

  it('keep the default, and refuse what is not there', async () => {
    await expect(policies.remove(actor, 'default')).rejects.toMatchObject({ code: 'conflict', httpStatus: 409 });
    for (const name of ['nobody', 'a\0b']) {
      await expect(policies.remove(actor, name)).rejects.toMatchObject({ code: 'not_found' });
      await expect(policies.find(name)).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  it('stay in force while the database is away', async () => {
    await policies.save(actor, policy('off', { mode: 'off' }));
    await directory.refresh();
    await server.kill();
    await directory.refresh();
    expect(directory.choose(SUBJECT).mode).toBe('off');
    expect(failures.length).toBeGreaterThan(0);
    await server.restart();
    await until(() => database.state === 'connected');
  });
});
