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
  const processes: ApiProcess[] = [];
  for (let index = 0; index < apis; index += 1) {
    const its = { ...environment, ...environmentOf(index) };
    processes.push(await startApi(join(directory, `api-${index}.log`), its, nodeOptions));
  }
  return {
    redis,
    postgres,
    upstream,
    adminKey,
    apis: processes,
    checkAlive: () => processes.forEach((one) => one.checkAlive()),
    stop: async () => {
      await Promise.all(processes.map((one) => one.stop()));
      await upstream.stop();
      await Promise.all([redis.kill(), postgres.kill()]);
    },
  };
}

export interface ApiProcess {
  readonly address: string;
  readonly pid: number;
  checkAlive(): void;
  stop(): Promise<void>;
}

async function startApi(
  logFile: string,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[],
): Promise<ApiProcess> {
  const log = openSync(logFile, 'a');
  const port = await freePort();
  const child = spawn(process.execPath, [...nodeOptions, join(workspaceRoot, 'apps/api/dist/main.js')], {
    env: { ...process.env, ...environment, PORT: String(port) },
    stdio: ['ignore', log, log],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('An API process could not be started.');
  endWithThisProcess({ pid, signal: 'KILL' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const checkAlive = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`An API process ended by itself (${child.exitCode ?? child.signalCode}):\n${lastLines(logFile)}`);
    }
  };
  const address = `http://127.0.0.1:${port}`;
  while (!readFileSync(logFile, 'utf8').includes(`ready ${address}`)) {
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
  };
}
