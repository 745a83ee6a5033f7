import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findRedis, freePort, startRedisServer } from '@promptsales/local-services';
import { admin, replicationOf, until, upToDate } from './admin.js';
import type { TestRedis } from './redis.js';
import { endWithTestFile, localDirectory, temporaryDirectory } from './test-run.js';

export interface StartRedisSentinelsOptions {
  /** @default 1 */
  readonly replicas?: number;
  /** After so long without an answer a sentinel holds the primary for down; two of three must agree. @default 1000 */
  readonly downAfterMs?: number;
}

/** One primary with replicas, watched by three sentinels. Ends with the test file at the latest. */
export class TestRedisSentinels {
  /** What the sentinels call the primary: `REDIS_SENTINEL_NAME`. */
  readonly name = 'main';

  constructor(
    readonly servers: readonly TestRedis[],
    readonly sentinels: readonly TestRedis[],
  ) {}

  /** As `REDIS_SENTINELS` takes it. */
  get addresses(): string {
    return this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  }

  /** The primary by what the first sentinel that answers says. */
  async primary(): Promise<TestRedis> {
    const said = await Promise.any(this.sentinels.map(({ port }) => this.#primaryBy(port)));
    const server = this.servers.find(({ port }) => port === said);
    if (server === undefined) throw new Error(`the sentinels name a primary on ${said}, which is none of ours`);
    return server;
  }

  /** An orderly failover; resolves with the new primary when every sentinel names it and it takes writes. */
  async failOver(): Promise<TestRedis> {
    const before = await this.primary();
    const [sentinel] = this.sentinels as [TestRedis];
    await until('the sentinel begins a failover', async () => {
      await admin(sentinel.port, 'SENTINEL', 'FAILOVER', this.name);
      return true;
    });
    return this.untilReplaced(before);
  }

  /** Resolves with the primary after `before` when every sentinel names it and it takes writes. */
  async untilReplaced(before: TestRedis): Promise<TestRedis> {
    await until('every sentinel names the new primary', async () => {
      const said = await Promise.all(this.sentinels.map(({ port }) => this.#primaryBy(port)));
      return said.every((port) => port === said[0] && port !== before.port) && (await isPrimary(said[0] as number));
    });
    return this.primary();
  }

  /** Resolves when the sentinels know each other and every replica is up to date. */
  async untilWhole(withinMs?: number): Promise<void> {
    const whole = async (): Promise<boolean> => {
      const seen = await Promise.all(this.sentinels.map(({ port }) => admin(port, 'INFO', 'sentinel').then(String)));
      const wanted = `status=ok,address=127.0.0.1:${(await this.primary()).port},slaves=${this.servers.length - 1},sentinels=${this.sentinels.length}`;
      return seen.every((info) => info.includes(wanted)) && (await upToDate(this.servers));
    };
    await until('the sentinels know each other and the replicas', whole, withinMs);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }

  async #primaryBy(sentinelPort: number): Promise<number> {
    const address = (await admin(sentinelPort, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name)) as string[];
    return Number(address[1]);
  }
}

async function isPrimary(port: number): Promise<boolean> {
  return (await replicationOf(port)).includes('role:master');
}

async function knows(primary: TestRedis, replicas: number): Promise<boolean> {
  return (await replicationOf(primary.port)).includes(`connected_slaves:${replicas}`);
}

/** Sentinels write what they learn into the configuration files, their own and those of the servers. */
async function startConfigured(kind: string, lines: readonly string[], args: readonly string[]): Promise<TestRedis> {
  const directory = temporaryDirectory(kind);
  await mkdir(directory, { recursive: true });
  const configFile = join(directory, `${kind}.conf`);
  await writeFile(configFile, `${lines.join('\n')}\n`);
  const server = await startRedisServer(await findRedis({ localDirectory }), {
    directory,
    configFile,
    port: await freePort(),
    args,
    temporary: true,
  });
  return endWithTestFile(server);
}

function startSentinel(name: string, primaryPort: number, downAfterMs: number): Promise<TestRedis> {
  const lines = [
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 5000`,
  ];
  return startConfigured('redis-sentinel', lines, ['--sentinel']);
}

/** One that comes back is what it was last: with `replicaof` as an argument it would follow whom it followed first. */
function startServer(following?: TestRedis): Promise<TestRedis> {
  const lines = ['repl-diskless-sync-delay 0', ...(following ? [`replicaof 127.0.0.1 ${following.port}`] : [])];
  return startConfigured('redis', lines, []);
}

/** Starts a primary, its replicas and three sentinels; resolves when all know each other, in about two seconds. */
export async function startRedisSentinels(options: StartRedisSentinelsOptions = {}): Promise<TestRedisSentinels> {
  const { replicas = 1, downAfterMs = 1000 } = options;
  const primary = await startServer();
  const followers = Array.from({ length: replicas }, () => startServer(primary));
  const servers = [primary, ...(await Promise.all(followers))];
  // A sentinel asks the primary for its replicas at once, and then only every ten seconds.
  await until('the replicas are up to date', async () => (await upToDate(servers)) && (await knows(primary, replicas)));
  const sentinels = await Promise.all(
    Array.from({ length: 3 }, () => startSentinel('main', primary.port, downAfterMs)),
  );
  const whole = new TestRedisSentinels(servers, sentinels);
  await whole.untilWhole();
  return whole;
}
