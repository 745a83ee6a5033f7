import { queueKeys } from '@promptsales/cache-core';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { JobQueue } from '../src/queue/job-queue.js';
import { Refill } from '../src/queue/refill.js';
import { jobsStage, type JobsStage } from './jobs-stage.js';

const JOBS = 1200;

describe('a queue that has lost jobs', () => {
  let stage: JobsStage;
  let queue: JobQueue;

  beforeAll(async () => {
    stage = await jobsStage();
    // It is not started: nothing is handed out.
    queue = new JobQueue({
      roles: stage.roles,
      settings: { keyPrefix: '', concurrency: 1, stalledAfterMs: 30_000 },
      run: () => Promise.resolve(null),
      failed: () => undefined,
    });
  });
  afterAll(async () => {
    await queue.close();
    await stage.stop();
  });

  beforeEach(async () => {
    await stage.clear();
    const jobs = Array.from({ length: JOBS }, () => ({
      id: uuidv7(),
      tenant: 'default',
      priority: 'normal' as const,
      request: { campanaId: 'c1', segmento: 'x' },
    }));
    await stage.store.admit(jobs);
    for (let given = 0; given < JOBS; given += 200) await queue.add(await stage.store.takeUndispatched(200));
  });

  /** Of rows that were given a while ago. */
  const refill = (): Refill => new Refill({ store: stage.store, queue, settings: { settledAfterMs: 0 } });
  const dispatchTimes = async (): Promise<Set<string>> => {
    const { rows } = await sql<{ at: Date }>`select dispatched_at as at from generation_jobs`.execute(
      stage.database.as(),
    );
    return new Set(rows.map(({ at }) => at.toISOString()));
  };

  it('is given nothing again when it has lost nothing', async () => {
    expect(await queue.size()).toBe(JOBS);
    const before = await dispatchTimes();
    expect(await refill().turn()).toBe(0);
    expect(await dispatchTimes()).toEqual(before);
    expect(await stage.store.takeUndispatched(200)).toEqual([]);
  });

  it('has all of them again after it was emptied', async () => {
    await stage.raw.flushall();
    expect(await queue.size()).toBe(0);
    expect(await refill().turn()).toBe(JOBS);
    expect(await queue.size()).toBe(JOBS);
    expect(await refill().turn()).toBe(0);
  });

  it('has those again that it lacked, and no other', async () => {
    const [lost] = await stage.store.dispatchedBefore(new Date(Date.now() + 60_000), null, 1);
    const id = lost?.id ?? '';
    const keys = `${queueKeys.prefixAt()}:ai_generation`;
    expect(await stage.raw.zrem(`${keys}:prioritized`, id)).toBe(1);
    expect(await stage.raw.del(`${keys}:${id}`)).toBe(1);
    expect(await refill().turn()).toBe(1);
    expect(await queue.size()).toBe(JOBS);
  });

  it('is not given what has ended', async () => {
    await stage.raw.flushall();
    await sql`update generation_jobs set state = 'completed', finished_at = clock_timestamp()`.execute(
      stage.database.as(),
    );
    expect(await refill().turn()).toBe(0);
    expect(await queue.size()).toBe(0);
  });
});
