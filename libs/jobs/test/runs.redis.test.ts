import { Locks } from '@promptsales/cache-core';
import { sql } from 'kysely';
import { CampaignMessages } from '../src/messages/campaign-messages.js';
import { MessagesCopies } from '../src/messages/messages-copies.js';
import type { GeneratedText } from '../src/run/generator.js';
import { GenerationFailedError } from '../src/run/generator.js';
import { JobRuns, type JobRunParts } from '../src/run/job-runs.js';
import { RunStore, SupersededError, type Outcome, type RunId } from '../src/run/run-store.js';
import type { GenerationJob } from '../src/store/job-store.js';
import { jobsStage, type JobsStage } from './jobs-stage.js';

const ID = '01890000-0000-7000-8000-000000000001';
const TEXT: GeneratedText = {
  content: JSON.stringify({ mensajes: [{ numero: 1, texto: 'Hola', tono: 'cercano' }] }),
  model: 'm',
  tokensTotal: 1,
  costTotalUsd: null,
};

describe('runs of a job', () => {
  let stage: JobsStage;
  let locks: Locks;

  beforeAll(async () => {
    stage = await jobsStage();
    let number = 0;
    locks = new Locks(stage.roles, { fencing: { next: () => Promise.resolve((number += 1)) } });
  });
  afterAll(async () => {
    locks.close();
    await stage.stop();
  });
  beforeEach(async () => {
    await stage.clear();
    const request = { campanaId: 'c1', segmento: 'x' };
    await stage.store.admit([{ id: ID, tenant: 'default', priority: 'normal', request }]);
  });

  const runs = (generate: () => Promise<GeneratedText>, parts: Partial<JobRunParts> = {}): JobRuns =>
    new JobRuns({
      runs: new RunStore(stage.database),
      messages: new CampaignMessages(stage.database),
      copies: new MessagesCopies(stage.roles),
      locks,
      generator: { generate },
      settings: { attempts: 1, backoffMs: 60_000 },
      ...parts,
    });
  const job = (): Promise<GenerationJob | null> => stage.store.find('default', ID);

  test('do not give a job up that is handed out again while its last attempt is at work', async () => {
    const answer = Promise.withResolvers<GeneratedText>();
    const asked = Promise.withResolvers<void>();
    const last = runs(() => {
      asked.resolve();
      return answer.promise;
    }).run(ID);
    await asked.promise;
    const again = await runs(() => Promise.reject(new Error('one run too many'))).run(ID);
    expect(again).toEqual({ inMs: expect.any(Number) });
    expect(await job()).toMatchObject({ state: 'running', attempt: 1 });
    answer.resolve(TEXT);
    expect(await last).toBeNull();
    expect(await job()).toMatchObject({ state: 'completed', attempt: 1, error: null });
  });

  test('give a job up whose last attempt has ended with its process', async () => {
    await sql`update generation_jobs set state = 'running', attempt = 1, fence = 0`.execute(
      stage.database.as<Record<string, never>>(),
    );
    expect(await runs(() => Promise.resolve(TEXT)).run(ID)).toBeNull();
    expect(await job()).toMatchObject({ state: 'dead', error: { code: 'worker_lost' } });
  });

  test('ask anew once an answer had no form, whatever goes wrong until then', async () => {
    const asked: boolean[] = [];
    const answers = [
      (): Promise<GeneratedText> => Promise.resolve({ ...TEXT, content: 'no JSON' }),
      (): Promise<GeneratedText> =>
        Promise.reject(new GenerationFailedError('upstream_error', 'No.', { retriable: true })),
      (): Promise<GeneratedText> => Promise.resolve(TEXT),
    ];
    const generator = {
      generate: (_job: GenerationJob, { anew }: { readonly anew: boolean }) => {
        asked.push(anew);
        return (answers.shift() as () => Promise<GeneratedText>)();
      },
    };
    const settings = { attempts: 3, backoffMs: 0 };
    for (const ended of [false, false, true]) {
      const again = await runs(() => Promise.resolve(TEXT), { generator, settings }).run(ID);
      expect(again === null).toBe(ended);
    }
    expect(asked).toEqual([false, true, true]);
    expect(await job()).toMatchObject({ state: 'completed', attempt: 3 });
  });

  test('look again at a last attempt whose commit nobody confirmed: it may have been carried out', async () => {
    const store = new RunStore(stage.database);
    const commit = store.commit.bind(store);
    store.commit = async (...outcome) => {
      await commit(...outcome);
      throw new Error('connection reset while waiting for the answer');
    };
    expect(await runs(() => Promise.resolve(TEXT), { runs: store }).run(ID)).toEqual({ inMs: expect.any(Number) });
    expect(await job()).toMatchObject({ state: 'written' });
    expect(await runs(() => Promise.reject(new Error('one run too many'))).run(ID)).toBeNull();
    expect(await job()).toMatchObject({ state: 'completed', attempt: 1 });
  });

  /** Whatever the lock says: it may be lost without its holder knowing. */
  describe('trap 28: of two at once, only the later one writes', () => {
    const OTHER = '01890000-0000-7000-8000-000000000002';
    const outcome = (texto: string): Outcome => ({
      messages: [{ numero: 1, texto, tono: 'x' }],
      model: 'm',
      tokensTotal: 1,
      costTotalUsd: null,
      tookMs: 1,
    });
    const written = async (): Promise<unknown> => {
      const { tenant = '', campanaId = '', segmentoHash = '' } = (await job()) ?? {};
      return (await new CampaignMessages(stage.database).of(tenant, campanaId, segmentoHash))?.messages ?? null;
    };

    test('of one job', async () => {
      const store = new RunStore(stage.database);
      const [early, late] = [(await store.begin(ID, 7)) as RunId, (await store.begin(ID, 8)) as RunId];
      expect(await store.begin(ID, 8)).toBeNull();
      const its = (await job()) as GenerationJob;
      await expect(store.commit(its, early, outcome('early'))).rejects.toThrow(SupersededError);
      expect([await store.retry(early, { code: 'c', message: 'm' }, 1), await store.giveBack(early)]).toEqual([
        false,
        false,
      ]);
      expect(await written()).toBeNull();
      await store.commit(its, late, outcome('late'));
      await expect(store.commit(its, early, outcome('early'))).rejects.toThrow(SupersededError);
      expect(await written()).toEqual(outcome('late').messages);
    });

    test('of two jobs for one segment', async () => {
      const request = { campanaId: 'c1', segmento: 'x' };
      await stage.store.admit([{ id: OTHER, tenant: 'default', priority: 'normal', request }]);
      const store = new RunStore(stage.database);
      const [early, late] = [(await store.begin(OTHER, 7)) as RunId, (await store.begin(ID, 8)) as RunId];
      const [other, its] = [
        (await stage.store.find('default', OTHER)) as GenerationJob,
        (await job()) as GenerationJob,
      ];
      await store.commit(its, late, outcome('late'));
      await expect(store.commit(other, early, outcome('early'))).rejects.toThrow(SupersededError);
      expect(await written()).toEqual(outcome('late').messages);
      expect(await stage.store.find('default', OTHER)).toMatchObject({ state: 'running' });
    });
  });

  test('wait for their time, also when the queue has forgotten it', async () => {
    const refused = new GenerationFailedError('upstream_error', 'No.', { retriable: true });
    const settings = { attempts: 2, backoffMs: 60_000 };
    const failing = await runs(() => Promise.reject(refused), { settings }).run(ID);
    const again = await runs(() => Promise.resolve(TEXT), { settings }).run(ID);
    expect(again?.inMs).toBeGreaterThan((failing?.inMs ?? 0) / 2);
    expect(again?.inMs).toBeLessThanOrEqual((failing?.inMs ?? 0) + 1);
    expect(await job()).toMatchObject({ state: 'retrying', attempt: 1 });
    await sql`update generation_jobs set retry_at = clock_timestamp()`.execute(
      stage.database.as<Record<string, never>>(),
    );
    expect(await runs(() => Promise.resolve(TEXT), { settings }).run(ID)).toBeNull();
    expect(await job()).toMatchObject({ state: 'completed', attempt: 2 });
  });
});
