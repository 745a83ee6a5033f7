/** Everything that a chaos scenario or a benchmark runs against, started from nothing in a temporary directory and gone afterwards. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  endWithThisProcess,
  findPostgres,
  findRedis,
  freePort,
  lastLines,
  startPostgresServer,
  startRedisServer,
  type LocalPostgres,
  type LocalRedis,
} from '@promptsales/local-services';
import { startQuickProvider, type QuickProvider } from './quick-provider.js';

const workspaceRoot = join(import.meta.dirname, '../../..');

export interface Stand {
  readonly redis: LocalRedis;
  readonly postgres: LocalPostgres;
  readonly upstream: QuickProvider;
  readonly apis: readonly ApiProcess[];
  readonly adminKey: string;
  /** Kills an API process without warning and starts another, which then stands in its place in `apis`. */
  replace(api: number): Promise<void>;
  /** A worker on the same servers; it ends with the stand. */
  startWorker(): Promise<StandProcess>;
  /** What all processes have logged so far. */
  logged(): string;
  /** Fails when an API process has ended by itself. */
  checkAlive(): void;
  stop(): Promise<void>;
}

export interface StandOptions {
  readonly apis: number;
  /** How long the provider takes until its first byte. */
  readonly firstByteMs: number;
  /** How long its answers are. @default 40 */
  readonly answerWords?: number;
  /** Options of Node for the API processes, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
  /** Further variables of one API process, by its index. */
  readonly environmentOf?: (api: number) => Readonly<Record<string, string>>;
}

export async function startStand(options: StandOptions): Promise<Stand> {
  const { apis, firstByteMs, answerWords, nodeOptions = [], environmentOf = () => ({}) } = options;
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-stand-'));
  // PostgreSQL refuses to run as root, so it runs as somebody who must be able to enter.
  chmodSync(directory, 0o755);
  endWithThisProcess({ removeDirectory: directory });
  const [redis, postgres, upstream] = await Promise.all([
    startRedisServer(await findRedis({ localDirectory: join(workspaceRoot, '.local') }), {
      directory: join(directory, 'redis'),
      appendOnly: true,
      temporary: true,
    }),
    startPostgresServer(await findPostgres(), { directory: join(directory, 'pg'), password: 'stand', temporary: true }),
    startQuickProvider(firstByteMs, answerWords),
  ]);
  const adminKey = randomBytes(24).toString('base64url');
  const environment = {
    REDIS_URL: redis.url,
    DATABASE_URL: postgres.url,
    ADMIN_API_KEY: adminKey,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    OPENAI_BASE_URL: upstream.baseUrl,
    // No word: logs are scrubbed of every key, and "simulated" is one that they need.
    OPENAI_API_KEY: `sk-stand-${randomBytes(12).toString('hex')}`,
    SIMULATED_UPSTREAM: 'true',
  };
  const logs: string[] = [];
  const start = (application: 'api' | 'worker', its: Readonly<Record<string, string>>): Promise<ApiProcess> => {
    const logFile = join(directory, `${application}-${logs.length}.log`);
    logs.push(logFile);
    return startProcess(application, logFile, { ...environment, ...its }, nodeOptions);
  };
  const processes: ApiProcess[] = [];
  const workers: ApiProcess[] = [];
  for (let index = 0; index < apis; index += 1) processes.push(await start('api', environmentOf(index)));
  return {
    redis,
    postgres,
    upstream,
    adminKey,
    apis: processes,
    replace: async (index) => {
      await processes[index]?.kill();
      processes[index] = await start('api', environmentOf(index));
    },
    logged: () => logs.map((file) => readFileSync(file, 'utf8')).join(''),
    startWorker: async () => {
      const worker = await start('worker', environmentOf(0));
      workers.push(worker);
      return worker;
    },
    checkAlive: () => processes.forEach((one) => one.checkAlive()),
    stop: async () => {
      await Promise.all([...processes, ...workers].map((one) => one.stop()));
      await upstream.stop();
      await Promise.all([redis.kill(), postgres.kill()]);
    },
  };
}

export interface StandProcess {
  readonly pid: number;
  stop(): Promise<void>;
  /** Without warning. */
  kill(): Promise<void>;
}

export interface ApiProcess extends StandProcess {
  readonly address: string;
  checkAlive(): void;
}

async function startProcess(
  application: 'api' | 'worker',
  logFile: string,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[],
): Promise<ApiProcess> {
  const log = openSync(logFile, 'a');
  const port = await freePort();
  const child = spawn(process.execPath, [...nodeOptions, join(workspaceRoot, 'apps', application, 'dist/main.js')], {
    env: { ...process.env, ...environment, PORT: String(port), WORKER_PORT: String(port) },
    stdio: ['ignore', log, log],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('A process of the stand could not be started.');
  endWithThisProcess({ pid, signal: 'KILL' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const checkAlive = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(
        `A process of the stand ended by itself (${child.exitCode ?? child.signalCode}):\n${lastLines(logFile)}`,
      );
    }
  };
  const address = `http://127.0.0.1:${port}`;
  const ready = application === 'api' ? `ready ${address}` : `ready worker ${address}`;
  while (!readFileSync(logFile, 'utf8').includes(ready)) {
    checkAlive();
    await pause(50);
  }
  return {
    address,
    pid,
    checkAlive,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
