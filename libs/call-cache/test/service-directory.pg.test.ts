import { Database } from '@promptsales/database';
import { startPostgres, until, type TestPostgres } from '@promptsales/test-kit';
import { SERVICE_MIGRATIONS, ServiceDirectory, type Secrets } from '../src/index.js';
import { Services, type ServiceAct } from '../src/services/services.js';

/** Marks what is a secret, and cannot read what begins otherwise. */
const secrets: Secrets = {
  restored: (sent) => sent,
  sealed: (plain) =>
    'credentials' in plain ? { ...plain, credentials: `sealed ${plain['credentials'] as string}` } : plain,
  shown: (stored) => ('credentials' in stored ? { ...stored, credentials: '…' } : stored),
  revealed: (stored, _key, unreadable) => {
    if (!('credentials' in stored)) return stored;
    const text = stored['credentials'] as string;
    if (!text.startsWith('sealed ')) unreadable();
    return { ...stored, credentials: text.slice('sealed '.length) };
  },
};
const BASE = { base_url: 'https://one.example' };

describe('the directory of services', () => {
  let server: TestPostgres;
  let database: Database;
  let services: Services;
  let here: ServiceDirectory;
  let elsewhere: ServiceDirectory;
  let fail = false;
  const acts: ServiceAct[] = [];
  const events: string[] = [];
  const actor = {
    note: async (_transaction: unknown, act: ServiceAct) => {
      if (fail) throw new Error('the audit log is full');
      acts.push(act);
    },
  };
  const directory = (): Promise<ServiceDirectory> =>
    new ServiceDirectory({
      database,
      secrets,
      defaultTtl: 3600,
      watchFailed: () => events.push('watch failed'),
      unreadable: (name) => events.push(`unreadable ${name}`),
    }).start();

  beforeAll(async () => {
    server = await startPostgres();
    database = await Database.start({
      url: server.url,
      migrations: [SERVICE_MIGRATIONS],
      log: { info: () => undefined, warn: () => undefined },
    });
    services = new Services(database, secrets);
    here = await directory();
    elsewhere = await directory();
  });

  afterAll(async () => {
    here.stop();
    elsewhere.stop();
    await database.close();
    await server.stop();
  });

  it('what was committed is in force here when it was refreshed, and elsewhere within a second', async () => {
    await services.save(actor, 'crm', { ...BASE, credentials: 't' });
    await here.refresh();
    expect(here.find('crm')).toMatchObject({ ttl: 3600, headers: [['Authorization', 'Bearer t']] });
    await until(() => elsewhere.find('crm') !== null);
    await services.save(actor, 'crm', { ...BASE, ttl: 5 });
    await until(() => elsewhere.find('crm')?.ttl === 5);
    await services.remove(actor, 'crm');
    await until(() => elsewhere.find('crm') === null);
    expect(acts.map(({ action }) => action)).toEqual(['service.create', 'service.replace', 'service.delete']);
  });

  it('has another space when what is asked or sent along changes, and only then', async () => {
    const spaceOf = async (body: object): Promise<string | undefined> => {
      await services.save(actor, 'space', body);
      await here.refresh();
      return here.find('space')?.space;
    };
    const first = await spaceOf(BASE);
    expect(await spaceOf({ ...BASE, ttl: 5, rate_limit: '5/min' })).toBe(first);
    const others = [
      await spaceOf({ base_url: 'https://two.example' }),
      await spaceOf({ ...BASE, credentials: 'a' }),
      await spaceOf({ ...BASE, credentials: 'b' }),
      await spaceOf({ ...BASE, headers: { a: '1' } }),
      await spaceOf({ ...BASE, forward_authorization: true }),
      await spaceOf(BASE),
    ];
    expect(new Set([first, ...others]).size).toBe(7);
  });

  it('neither is there without the other: a change and its line in the audit log', async () => {
    fail = true;
    await expect(services.save(actor, 'unnoted', BASE)).rejects.toThrow('the audit log is full');
    fail = false;
    await expect(services.find('unnoted')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('trap 30: a service whose credential cannot be read is not called with half of it', async () => {
    await services.save(actor, 'sealed', { ...BASE, credentials: 't' });
    await database
      .as<{ call_services: { body: string; name: string } }>()
      .updateTable('call_services')
      .set({ body: JSON.stringify({ ...BASE, credentials: 'by another key' }) })
      .where('name', '=', 'sealed')
      .execute();
    await here.refresh();
    expect([here.find('sealed'), events.includes('unreadable sealed')]).toEqual([null, true]);
  });

  it('while the database is away, what was last known stays in force', async () => {
    await services.save(actor, 'kept', BASE);
    await here.refresh();
    await server.kill();
    await until(() => events.includes('watch failed'));
    expect(here.find('kept')).not.toBeNull();
    await server.restart();
  });
});
