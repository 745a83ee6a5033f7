import { DatabaseUnavailableError } from '@promptsales/database';
import type { Kysely } from 'kysely';
import { Intake, type IntakeObserver, type IntakeParts } from '../src/intake/intake.js';
import type { JobTables } from '../src/store/job-tables.js';
import { jobsStage, type JobsStage } from './jobs-stage.js';

const LIST = 'queue:ai_generation:normal';
const MOVES = `moves:{${LIST}}`;
const entryOf = (n: number): string => JSON.stringify({ campana_id: `c${n}`, segmento: 'jóvenes' });

class Died extends Error {}
const reachable = (): Promise<void> => Promise.resolve();

describe('the intake', () => {
  let stage: JobsStage;
  let tables: Kysely<JobTables>;

  beforeAll(async () => {
    stage = await jobsStage();
    tables = stage.database.as<JobTables>();
  });
  afterAll(() => stage.stop());
  beforeEach(async () => {
    await stage.clear();
  });

  const intake = (parts: Partial<IntakeParts> = {}, observer: IntakeObserver = {}): Intake =>
    new Intake({
      lists: stage.lists,
      store: stage.store,
      tenants: async () => ['default', 'acme'],
      // However young: what this process takes for Redis's time may lie behind it.
      repairAfterMs: -60_000,
      observer,
      ...parts,
    });
  const campaigns = async (): Promise<string[]> =>
    (await tables.selectFrom('generation_jobs').select('campana_id').orderBy('campana_id').execute()).map(
      ({ campana_id: id }) => id,
    );

  test('makes one job of each entry, the oldest first, by the priority and the tenant of its list', async () => {
    await stage.raw.lpush(LIST, entryOf(1), entryOf(2));
    await stage.raw.lpush('queue:ai_generation:high', JSON.stringify({ campana_id: 3, segmento: { edad: '18-25' } }));
    await stage.raw.lpush('tenant:acme:queue:ai_generation:low', entryOf(4));
    expect(await intake().turn()).toBe(4);
    const rows = await tables.selectFrom('generation_jobs').selectAll().orderBy('campana_id').execute();
    expect(rows.map(({ campana_id: id, tenant, priority, state }) => [id, tenant, priority, state])).toEqual([
      ['3', 'default', 'high', 'queued'],
      ['c1', 'default', 'normal', 'queued'],
      ['c2', 'default', 'normal', 'queued'],
      ['c4', 'acme', 'low', 'queued'],
    ]);
    expect(rows.map(({ segmento }) => segmento)).toEqual([{ edad: '18-25' }, 'jóvenes', 'jóvenes', 'jóvenes']);
    const ofFirst = rows[1]?.id ?? '';
    expect(ofFirst < (rows[2]?.id ?? '')).toBe(true);
    expect(await stage.raw.keys('*')).toEqual([]);
  });

  test('takes more than one batch', async () => {
    await stage.raw.lpush(LIST, ...Array.from({ length: 120 }, (_, n) => entryOf(n)));
    expect(await intake().turn()).toBe(120);
    expect(await campaigns()).toHaveLength(120);
  });

  /** The lists, of which one step never comes to its end. */
  const dying = (step: 'take' | 'end', lists = stage.lists): Pick<IntakeParts, 'lists'> => ({
    lists: {
      take: async (list, most) => {
        const moves = await lists.take(list, most);
        if (step === 'take' && moves.length > 0) throw new Died();
        return moves;
      },
      left: (list, ageMs) => lists.left(list, ageMs),
      end: () => Promise.reject(new Died()),
    },
  });

  test.each([
    ['when it had taken it', () => dying('take')],
    ['before its row was there', () => ({ store: { reachable, admit: () => Promise.reject(new Died()) } })],
    ['when its row was there', () => dying('end')],
  ])('completes a move whose process died %s, once', async (_when, parts: () => Partial<IntakeParts>) => {
    await stage.raw.lpush(LIST, entryOf(1), entryOf(2));
    const failures: unknown[] = [];
    expect(await intake(parts(), { failed: (_list, error) => failures.push(error) }).turn()).toBe(0);
    expect(failures).toEqual([expect.any(Died)]);
    expect(await stage.raw.llen(LIST)).toBe(0);
    const booked = await stage.raw.hkeys(MOVES);
    expect(booked).toHaveLength(2);
    expect(await intake().turn()).toBe(0);
    const both = await Promise.all([intake().repair(), intake().repair()]);
    expect(Math.max(...both)).toBe(2);
    expect(await campaigns()).toEqual(['c1', 'c2']);
    const ids = await tables.selectFrom('generation_jobs').select('id').execute();
    expect(new Set(ids.map(({ id }) => id))).toEqual(new Set(booked));
    expect(await stage.raw.exists(MOVES)).toBe(0);
  });

  test('completes a move whose process was stopped, and the stopped one changes nothing', async () => {
    await stage.raw.lpush(LIST, entryOf(1));
    const { promise: stopped, resolve: resume } = Promise.withResolvers<void>();
    const { promise: inside, resolve: entered } = Promise.withResolvers<void>();
    const zombie = intake({
      store: {
        reachable,
        admit: async (...entries) => {
          entered();
          await stopped;
          return stage.store.admit(...entries);
        },
      },
    }).turn();
    await inside;
    expect(await intake().repair()).toBe(1);
    resume();
    expect(await zombie).toBe(1);
    expect(await campaigns()).toEqual(['c1']);
    expect(await stage.raw.exists(MOVES)).toBe(0);
  });

  test('leaves entries in their list while PostgreSQL cannot be asked', async () => {
    await stage.raw.lpush(LIST, entryOf(1));
    const gone = Promise.reject(new DatabaseUnavailableError('connection_lost'));
    const without = intake({ store: { reachable: () => gone, admit: () => gone } });
    await expect(without.turn()).rejects.toBeInstanceOf(DatabaseUnavailableError);
    expect([await stage.raw.llen(LIST), await stage.raw.exists(MOVES)]).toEqual([1, 0]);
    expect(await intake().turn()).toBe(1);
  });

  test('ends its turn with a long list, so that jobs get to the queue meanwhile', async () => {
    await stage.raw.lpush(LIST, ...Array.from({ length: 1_010 }, () => 'not JSON'));
    expect(await intake().turn()).toBe(1_000);
    expect(await intake().turn()).toBe(10);
  });

  test('leaves alone what another process is moving just now', async () => {
    await stage.raw.lpush(LIST, entryOf(1));
    await intake(dying('end')).turn();
    expect(await intake({ repairAfterMs: 60_000 }).repair()).toBe(0);
    expect(await stage.raw.hlen(MOVES)).toBe(1);
  });

  test.each([
    ['no JSON', Buffer.from('{"campana_id":'), /no JSON/],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x00, 0x7d]), /no UTF-8/],
    ['no object', Buffer.from('[1]'), /JSON object/],
    ['nothing', Buffer.alloc(0), /no JSON/],
    ['no campaign', Buffer.from('{"segmento":"x"}'), /^campana_id: /],
    ['no segment', Buffer.from('{"campana_id":"c"}'), /^segmento: /],
    ['an empty segment', Buffer.from('{"campana_id":"c","segmento":{}}'), /^segmento: /],
    ['a rounded number', Buffer.from('{"campana_id":9007199254740993,"segmento":"x"}'), /^campana_id: /],
    ['a NUL', Buffer.from(String.raw`{"campana_id":"c","segmento":"a\u0000"}`), /^segmento: /],
    ['half a character', Buffer.from(String.raw`{"campana_id":"c","segmento":"\ud800"}`), /^segmento: /],
    ['deep', Buffer.from(`{"campana_id":"c","segmento":{"a":${'['.repeat(2000)}${']'.repeat(2000)}}}`), /^segmento: /],
    ['too long', Buffer.from(JSON.stringify({ campana_id: 'c', segmento: 'x'.repeat(70_000) })), /70\d+ bytes/],
  ])('keeps an entry that is %s among the dead letters, and goes on', async (_name, entry, reason) => {
    await stage.raw.lpush(LIST, entry);
    await stage.raw.lpush(LIST, entryOf(7));
    expect(await intake().turn()).toBe(2);
    expect(await campaigns()).toEqual(['c7']);
    const dead = await tables.selectFrom('generation_dead_entries').selectAll().execute();
    expect(dead).toHaveLength(1);
    expect(dead[0]?.reason).toMatch(reason);
    expect(dead[0]?.entry.equals(entry.subarray(0, 64 * 1024))).toBe(true);
    expect(Number(dead[0]?.entry_bytes)).toBe(entry.length);
    expect(await stage.raw.exists(MOVES)).toBe(0);
  });

  test('trap 10: another type at one list holds up no other', async () => {
    await stage.raw.set('queue:ai_generation:high', 'somebody’s');
    await stage.raw.lpush(LIST, entryOf(1));
    const failures: unknown[] = [];
    expect(await intake({}, { failed: (list) => failures.push(list.priority) }).turn()).toBe(1);
    expect(failures).toEqual(['high']);
    expect((await stage.lists.depths('default')).get('high')).toEqual({ waiting: null, moving: 0 });
  });

  test('two processes share the lists, each entry going to one', async () => {
    await stage.raw.lpush(LIST, ...Array.from({ length: 200 }, (_, n) => entryOf(n)));
    const moved = await Promise.all([intake().turn(), intake().turn()]);
    expect(moved[0] + moved[1]).toBe(200);
    expect(new Set(await campaigns()).size).toBe(200);
    expect(await campaigns()).toHaveLength(200);
  });
});
