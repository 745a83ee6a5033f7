/**
 * Real worker processes, killed at each stage of a job's way. How far a worker can come is decided by what it needs next: a
 * table that the test has locked, a campaign's lock that it holds, a provider that has not answered, a Redis that is frozen.
 */
import { sql, type Transaction } from 'kysely';
import { MESSAGES } from './held-upstream.js';
import { jobsStage, type JobsStage } from './jobs-stage.js';

const ANSWER = JSON.stringify({ mensajes: MESSAGES });
const LIST = 'queue:ai_generation:normal';

describe('generation jobs, through kills', () => {
  let stage: JobsStage;

  beforeAll(async () => {
    stage = await jobsStage();
  });
  afterAll(() => stage.stop());
  beforeEach(() => stage.clear());
  afterEach(async () => {
    stage.copies.thaw();
    await stage.endWorkers();
  });

  /** Holds the table until the returned function is called: no worker can admit or begin anything. */
  async function lockJobs(): Promise<() => Promise<void>> {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { promise: locked, resolve: taken } = Promise.withResolvers<void>();
    const holding = stage.database
      .as<Record<string, never>>()
      .transaction()
      .execute(async (transaction: Transaction<Record<string, never>>) => {
        await sql`lock table generation_jobs in access exclusive mode`.execute(transaction);
        taken();
        await held;
      });
    await locked;
    return async () => {
      release();
      await holding;
    };
  }

  /** One job, one set of messages, and in the ledger as many calls as the provider was asked, of which one was answered. */
  async function expectOneEffect(campana: string, calls: number): Promise<void> {
    const db = stage.database.as<Record<string, never>>();
    const events = await sql<{ type: string; count: string }>`
      select type, count(*) from generation_job_events where type in ('completed', 'failed') group by type`.execute(db);
    expect(events.rows).toEqual([{ type: 'completed', count: '1' }]);
    const stored = await sql<{ campana_id: string; messages: unknown }>`
      select campana_id, messages from campaign_messages`.execute(db);
    expect(stored.rows).toEqual([{ campana_id: campana, messages: MESSAGES }]);
    const keys = await stage.rawCopies.keys('ai:campaign_messages:*');
    expect(keys).toHaveLength(1);
    expect(
      (await stage.rawCopies.lrange(keys[0] ?? '', 0, -1)).map((item: string) => JSON.parse(item) as unknown),
    ).toEqual(MESSAGES);
    expect(stage.upstream.asked).toHaveLength(calls);
    // A line whose process was killed is settled by nobody, and is found to be unknown.
    const { rows } = await sql<{ lines: string; completed: string }>`
      select count(*) as lines, count(*) filter (where status = 'completed') as completed
      from ledger_calls where campana_id = ${campana}`.execute(db);
    expect(Number(rows[0]?.lines)).toBe(calls);
    expect(Number(rows[0]?.completed)).toBeLessThanOrEqual(1);
  }

  test('killed when it has taken and booked an entry', async () => {
    const unlock = await lockJobs();
    const first = await stage.worker();
    await stage.push({ campana_id: 'k1', segmento: 'x' });
    await stage.until(async () => (await stage.raw.hlen(`moves:{${LIST}}`)) === 1);
    expect(await stage.raw.llen(LIST)).toBe(0);
    await stage.kill(first);
    await unlock();
    expect(await stage.jobs()).toEqual([]);
    const second = await stage.worker();
    await stage.settled(1, 'completed');
    await expectOneEffect('k1', 1);
    expect(await stage.raw.exists(`moves:{${LIST}}`)).toBe(0);
    await stage.kill(second);
  });

  test('killed when the job is in the queue, and cannot begin', async () => {
    await stage.raw.set('lock:content_generation:k2', 'somebody', 'PX', 60_000);
    const first = await stage.worker();
    await stage.push({ campana_id: 'k2', segmento: 'x' });
    const [job] = await stage.settled(1, 'queued');
    await stage.until(async () => (await stage.raw.exists(`bull:{jobs}:ai_generation:${job?.id}`)) === 1);
    // It has tried to begin, and waits for the lock.
    await stage.until(async () => (await stage.raw.zscore('bull:{jobs}:ai_generation:delayed', `${job?.id}`)) !== null);
    await stage.kill(first);
    expect(stage.upstream.asked).toEqual([]);
    await stage.raw.del('lock:content_generation:k2');
    const second = await stage.worker();
    await stage.settled(1, 'completed');
    await expectOneEffect('k2', 1);
    await stage.kill(second);
  });

  test('killed while the provider is asked; who follows the job by SSE sees the next attempt and the end', async () => {
    const first = await stage.worker();
    stage.upstream.answer = (answering, _asked, number) => {
      if (number > 1) answering.say(ANSWER);
    };
    await stage.push({ campana_id: 'k3', segmento: 'x' });
    await stage.upstream.calls(1);
    const [job] = await stage.settled(1, 'running');
    const following = stage.api(`/v1/jobs/${job?.id}/events`).then((reply) => reply.text());
    await stage.kill(first);
    const second = await stage.worker();
    const [ended] = await stage.settled(1, 'completed');
    expect(ended?.attempt).toBe(2);
    const text = await following;
    const types = [...text.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type);
    expect(types).toEqual(['queued', 'started', 'started', 'progress', 'progress', 'completed']);
    await expectOneEffect('k3', 2);
    await stage.kill(second);
  });

  test('killed when the messages are committed, and not yet in Redis', async () => {
    const first = await stage.worker();
    const { promise: asked, resolve: answer } = Promise.withResolvers<void>();
    stage.upstream.answer = async (answering) => {
      await asked;
      answering.say(ANSWER);
    };
    await stage.push({ campana_id: 'k4', segmento: 'x' });
    await stage.upstream.calls(1);
    stage.copies.freeze();
    answer();
    await stage.settled(1, 'written');
    await stage.kill(first);
    // A server that only thawed would do what the dead worker may have sent it.
    await stage.copies.kill();
    await stage.copies.restart();
    await stage.until(async () => stage.rawCopies.status === 'ready');
    expect(await stage.rawCopies.keys('ai:campaign_messages:*')).toEqual([]);
    const second = await stage.worker();
    const [job] = await stage.settled(1, 'completed');
    expect(job?.attempt).toBe(1);
    await expectOneEffect('k4', 1);
    await stage.kill(second);
  });

  test('trap 28: a worker that was stopped, and goes on when another has run its job, changes nothing', async () => {
    const zombie = await stage.worker();
    const { promise: asked, resolve: answerZombie } = Promise.withResolvers<void>();
    stage.upstream.answer = async (answering, _asked, number) => {
      if (number > 1) return answering.say(ANSWER);
      await asked;
      answering.say(JSON.stringify({ mensajes: [{ numero: 1, texto: 'zombie', tono: 'x' }] }));
    };
    await stage.push({ campana_id: 'k5', segmento: 'x' });
    await stage.upstream.calls(1);
    zombie.child.kill('SIGSTOP');
    const second = await stage.worker();
    const [job] = await stage.settled(1, 'completed');
    expect(job?.attempt).toBe(2);
    answerZombie();
    zombie.child.kill('SIGCONT');
    const db = stage.database.as<Record<string, never>>();
    // The zombie works again when it is the only one.
    await stage.kill(second);
    await stage.push({ campana_id: 'k5b', segmento: 'x' });
    await stage.settled(2, 'completed');
    const stored = await sql<{ messages: unknown }>`
      select messages from campaign_messages where campana_id = 'k5'`.execute(db);
    expect(stored.rows).toEqual([{ messages: MESSAGES }]);
    const [key] = await stage.rawCopies.keys('ai:campaign_messages:k5:*');
    expect((await stage.rawCopies.lrange(key ?? '', 0, -1)).map((item: string) => JSON.parse(item) as unknown)).toEqual(
      MESSAGES,
    );
    await stage.kill(zombie);
  });

  test('trap 28: jobs that Redis has lost are given to the queue again', async () => {
    const first = await stage.worker();
    stage.upstream.answer = (answering, _asked, number) => {
      if (number > 1) answering.say(ANSWER);
    };
    await stage.push({ campana_id: 'k6', segmento: 'x' });
    await stage.upstream.calls(1);
    await stage.kill(first);
    await stage.raw.flushall();
    const second = await stage.worker();
    await stage.settled(1, 'completed');
    await expectOneEffect('k6', 2);
    await stage.kill(second);
  });

  test('a job whose workers all die is given up, and its place is free', async () => {
    stage.upstream.answer = () => undefined;
    await stage.push({ campana_id: 'k7', segmento: 'x' });
    for (let kill = 1; kill <= 2; kill += 1) {
      const worker = await stage.worker({ JOBS_ATTEMPTS: '2' });
      await stage.upstream.calls(kill);
      await stage.kill(worker);
    }
    const last = await stage.worker({ JOBS_ATTEMPTS: '2' });
    const [job] = await stage.settled(1, 'dead');
    expect(job).toMatchObject({ attempt: 2, error_code: 'worker_lost' });
    expect(stage.upstream.asked).toHaveLength(2);
    await stage.kill(last);
  });

  test('trap 9: Redis killed and restarted under two workers and many entries: each entry is one completed job', async () => {
    const [first, second] = await Promise.all([stage.worker(), stage.worker()]);
    const count = 40;
    const push = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n += 1) await stage.push({ campana_id: `r${n}`, segmento: 'x' });
      await stage.push('malformed');
    };
    await push(0, count / 2);
    await stage.until(async () => (await stage.jobs()).length > 0);
    // What Redis had acknowledged must be on its disk: that is what an append-only file that is synced once a second may lose.
    await stage.raw.config('SET', 'appendfsync', 'always');
    await push(count / 2, count);
    await stage.redis.kill();
    await stage.redis.restart();
    await stage.until(async () => stage.raw.status === 'ready');
    await stage.kill(first);
    await stage.settled(count, 'completed');
    const db = stage.database.as<Record<string, never>>();
    const { rows } = await sql<{ jobs: string; campaigns: string; dead: string; completed: string }>`
      select
        (select count(*) from generation_jobs) as jobs,
        (select count(distinct campana_id) from generation_jobs) as campaigns,
        (select count(*) from generation_dead_entries) as dead,
        (select count(*) from generation_job_events where type = 'completed') as completed`.execute(db);
    expect(rows).toEqual([{ jobs: '40', campaigns: '40', dead: '2', completed: '40' }]);
    // What the killed worker was about to settle is unknown: how many are completed depends on when it was killed.
    const spent = await stage.until(async () => {
      const found = await sql<{ count: string }>`
        select count(*) from ledger_calls where campana_id like 'r%' and status = 'completed'`.execute(db);
      return Number(found.rows[0]?.count) > 0 && Number(found.rows[0]?.count);
    });
    expect(spent).toBeLessThanOrEqual(stage.upstream.asked.length);
    await stage.kill(second);
  });

  test('a run whose lock somebody else has taken stops asking, and the job is run again when it is free', async () => {
    const worker = await stage.worker();
    stage.upstream.answer = (answering, _asked, number) => {
      if (number > 1) answering.say(ANSWER);
    };
    await stage.push({ campana_id: 'k9', segmento: 'x' });
    await stage.upstream.calls(1);
    await stage.raw.set('lock:content_generation:k9', 'somebody', 'PX', 3_000);
    const [job] = await stage.settled(1, 'completed');
    expect(job?.attempt).toBe(2);
    const text = await (await stage.api(`/v1/jobs/${job?.id}/events`)).text();
    expect(text).not.toContain('event: retrying');
    await expectOneEffect('k9', 2);
    await stage.kill(worker);
  });

  test('a worker that is told to end gives its job back, and the attempt does not count', async () => {
    const first = await stage.worker();
    stage.upstream.answer = (answering, _asked, number) => {
      if (number > 1) answering.say(ANSWER);
    };
    await stage.push({ campana_id: 'k8', segmento: 'x' });
    await stage.upstream.calls(1);
    await stage.kill(first, 'SIGTERM');
    const [waiting] = await stage.jobs();
    expect(waiting).toMatchObject({ state: 'queued', attempt: 0 });
    const second = await stage.worker();
    const [job] = await stage.settled(1, 'completed');
    expect(job?.attempt).toBe(1);
    await stage.kill(second);
  });
});
