import { Database } from '@promptsales/database';
import { createDatabase, startRedis, type TestRedis } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { BuiltProcess, buildApplications, endProcesses } from '../built-process.js';
import { SECRETS } from '../test-api.js';
import { heldUpstream, type HeldUpstream } from './held-upstream.js';

const JOB_TABLES = 'generation_jobs, generation_job_events, generation_dead_entries, campaign_messages';

export interface JobRow {
  readonly id: string;
  readonly campana_id: string;
  readonly state: string;
  readonly attempt: number;
  readonly error_code: string | null;
}

/** A built API and the servers that it shares with as many built workers as a test wants. */
export interface JobsStage {
  /** Role `llm`: what may be lost. */
  readonly copies: TestRedis;
  /** All other roles. */
  readonly redis: TestRedis;
  readonly raw: Redis;
  readonly rawCopies: Redis;
  readonly database: Database;
  readonly upstream: HeldUpstream;
  readonly address: string;
  worker(env?: Readonly<Record<string, string>>): Promise<BuiltProcess>;
  /** One more of it. */
  anotherApi(): Promise<{ readonly process: BuiltProcess; readonly address: string }>;
  /** Those that a test has left behind. */
  endWorkers(): Promise<void>;
  kill(worker: BuiltProcess, signal?: NodeJS.Signals): Promise<void>;
  api(path: string, init?: RequestInit): Promise<Response>;
  push(entry: unknown, priority?: string): Promise<void>;
  jobs(): Promise<readonly JobRow[]>;
  /** Resolves when every job is in one of these states, and there are so many. */
  settled(count: number, ...states: string[]): Promise<readonly JobRow[]>;
  until<T>(look: () => Promise<T | null | false>): Promise<T>;
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export async function jobsStage(env: Readonly<Record<string, string>> = {}): Promise<JobsStage> {
  await buildApplications();
  const [redis, copies, testDatabase, upstream] = await Promise.all([
    startRedis({ appendOnly: true }),
    startRedis({ appendOnly: true }),
    createDatabase(),
    heldUpstream(),
  ]);
  const variables = {
    REDIS_URL: redis.url,
    REDIS_URL_LLM: copies.url,
    REDIS_LAYOUT: 'single',
    DATABASE_URL: testDatabase.url,
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: SECRETS.upstreamKey,
    TTL_LOCK_CONTENT_GENERATION: '1',
    JOBS_STALLED_AFTER_MS: '1000',
    JOBS_BACKOFF_MS: '50',
    ...env,
  };
  const apiProcess = new BuiltProcess('api', variables);
  const address = await apiProcess.ready();
  const silent = { info: () => undefined, warn: () => undefined };
  const database = await Database.start({ url: testDatabase.url, migrations: [], log: silent });
  const raw = new Redis(redis.url);
  const rawCopies = new Redis(copies.url);
  for (const client of [raw, rawCopies]) client.on('error', () => undefined);

  const workers = new Set<BuiltProcess>();

  const until: JobsStage['until'] = async (look) => {
    for (;;) {
      const found = await look();
      if (found !== null && found !== false) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const jobs = async (): Promise<readonly JobRow[]> =>
    (
      await sql<JobRow>`select id, campana_id, state, attempt, error_code from generation_jobs order by id`.execute(
        database.as<Record<string, never>>(),
      )
    ).rows;
  return {
    redis,
    copies,
    raw,
    rawCopies,
    database,
    upstream,
    address,
    until,
    jobs,
    worker: async (more = {}) => {
      const worker = new BuiltProcess('worker', { ...variables, ...more });
      workers.add(worker);
      await until(() => Promise.resolve(/^ready worker/m.test(worker.stdout)));
      return worker;
    },
    anotherApi: async () => {
      const another = new BuiltProcess('api', variables);
      return { process: another, address: await another.ready() };
    },
    endWorkers: async () => {
      await Promise.all(
        [...workers].map(async (worker) => {
          worker.child.kill('SIGKILL');
          await worker.exited();
        }),
      );
      workers.clear();
    },
    kill: async (worker, signal = 'SIGKILL') => {
      worker.child.kill(signal);
      await worker.exited();
    },
    api: (path, init = {}) =>
      fetch(`${address}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${SECRETS.adminKey}`, 'content-type': 'application/json', ...init.headers },
      }),
    push: async (entry, priority = 'normal') => {
      const text = typeof entry === 'string' ? entry : JSON.stringify(entry);
      await raw.lpush(`queue:ai_generation:${priority}`, text);
    },
    settled: (count, ...states) =>
      until(async () => {
        const rows = await jobs();
        return rows.length === count && rows.every(({ state }) => states.includes(state)) && rows;
      }),
    clear: async () => {
      await Promise.all([raw.flushall(), rawCopies.flushall()]);
      await sql`truncate ${sql.raw(JOB_TABLES)}`.execute(database.as<Record<string, never>>());
      upstream.reset();
    },
    stop: async () => {
      await endProcesses();
      raw.disconnect();
      rawCopies.disconnect();
      await database.close();
      await Promise.all([redis.stop(), copies.stop(), testDatabase.drop(), upstream.stop()]);
    },
  };
}
