/** What may go wrong, drawn by a seeded generator: the same seed draws the same faults in the same order. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '@promptsales/simulator';
import type { TestRedis } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import type { FaultProxy, Rule, Trouble } from './fault-proxy.js';
import type { Fleet } from './fleet.js';
import type { RedisStand } from './redis-stand.js';

export interface Field {
  readonly stand: RedisStand;
  readonly proxy: FaultProxy;
  readonly fleet: Fleet;
}

/** Begins, lasts and ends. Everything is drawn when it is made, so that nothing that happens moves what is drawn next. */
export interface Fault {
  readonly name: string;
  run(field: Field): Promise<void>;
}

/** A fault that occurred, by the clock of the history. */
export interface Occurrence {
  readonly name: string;
  readonly began: number;
  readonly ended: number;
}

type Draw = (random: Random, stand: RedisStand) => Fault;

const SECOND = 1000;

/** One server of the cluster, or the only one, chosen by a number that was drawn before. */
const primaryFor = (stand: RedisStand, choice: number): Promise<TestRedis> =>
  stand.aPrimary((all) => all[Math.floor(choice * all.length)] as (typeof all)[number]);

const kill: Draw = (random) => {
  const [choice, lasts] = [random.next(), random.between(100, 3 * SECOND)];
  return {
    name: 'Redis killed, and started again with what it had written',
    run: async ({ stand }) => {
      const server = await primaryFor(stand, choice);
      await server.kill();
      await pause(lasts);
      await server.restart();
    },
  };
};

const freeze: Draw = (random) => {
  const [choice, lasts] = [random.next(), random.between(200, 4 * SECOND)];
  return {
    name: 'Redis frozen',
    run: async ({ stand }) => {
      const server = await primaryFor(stand, choice);
      server.freeze();
      await pause(lasts);
      server.thaw();
    },
  };
};

const evict: Draw = (random) => {
  const policy = random.pick(['allkeys-lru', 'allkeys-random']);
  const lasts = random.between(1 * SECOND, 4 * SECOND);
  return {
    name: 'eviction pressure',
    run: async ({ stand }) => {
      await Promise.all(stand.servers.map((server) => fill(server, policy, lasts)));
    },
  };
};

/** Fills a server up to its limit with keys of somebody else, so that it evicts ours. Replicas follow their primary. */
async function fill(server: TestRedis, policy: string, lasts: number): Promise<void> {
  const redis = new Redis(server.url, { retryStrategy: () => null, commandTimeout: 2 * SECOND });
  redis.on('error', () => {}); // Told by what the commands reject with.
  try {
    if (!(await redis.info('replication')).includes('role:master')) return;
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
    await redis.config('SET', 'maxmemory-policy', policy);
    await redis.config('SET', 'maxmemory', used + 200_000);
    const filler = 'x'.repeat(2000);
    const end = performance.now() + lasts;
    for (let turn = 0; performance.now() < end; turn += 1) {
      const some = Array.from({ length: 50 }, (_, n) => redis.set(`filler:${turn}:${n}`, filler, 'EX', 2));
      // In a cluster two of three are somebody else's: MOVED.
      await Promise.allSettled(some);
      await pause(20);
    }
    await redis.config('SET', 'maxmemory', 0);
  } finally {
    redis.disconnect();
  }
}

const flush: Draw = (random) => {
  const choice = random.next();
  return {
    name: 'FLUSHALL',
    run: async ({ stand }) => {
      const { url } = await primaryFor(stand, choice);
      const redis = new Redis(url, { retryStrategy: () => null, commandTimeout: 2 * SECOND });
      redis.on('error', () => {}); // Told by what the command rejects with.
      try {
        await redis.flushall();
      } finally {
        redis.disconnect();
      }
    },
  };
};

const failOver: Draw = (random) => {
  const choice = random.next();
  return {
    name: 'failover in order',
    run: async ({ stand }) => {
      await stand.failOver?.(await primaryFor(stand, choice));
    },
  };
};

/** Who connects anew right after a failover is told another primary than those who stay connected to the old one. */
const failOverSeenByOne: Draw = (random) => {
  const [choice, who, lasts] = [random.next(), random.next(), random.between(20, 200)];
  return {
    name: 'failover in order, and one process connects anew',
    run: async ({ stand, proxy, fleet }) => {
      await stand.failOver?.(await primaryFor(stand, choice));
      const end = proxy.apply({ trouble: { kind: 'cut' }, process: processFor(fleet, who) });
      await pause(lasts);
      end();
    },
  };
};

const killUntilReplaced: Draw = (random) => {
  const [choice, lag] = [random.next(), random.chance(0.5) ? random.between(50, 500) : 0];
  return {
    name: lag > 0 ? 'failover to a replica that lags behind' : 'failover from a primary that was killed',
    run: async ({ stand }) => {
      const primary = await primaryFor(stand, choice);
      const replica = lag > 0 ? await stand.replicaOf(primary) : null;
      replica?.freeze();
      await pause(lag);
      await primary.kill();
      replica?.thaw();
      await stand.untilReplaced?.(primary);
      await primary.restart();
    },
  };
};

const freezeUntilReplaced: Draw = (random) => {
  const [choice, longer] = [random.next(), random.between(0, 2 * SECOND)];
  return {
    name: 'failover from a primary that was frozen and wakes up',
    run: async ({ stand }) => {
      const primary = await primaryFor(stand, choice);
      primary.freeze();
      try {
        await stand.untilReplaced?.(primary);
        await pause(longer);
      } finally {
        primary.thaw();
      }
    },
  };
};

const network: Draw = (random) => {
  const everybody = random.chance(0.5);
  const who = random.next();
  const lasts = random.between(100, 4 * SECOND);
  const trouble: Trouble = random.pick([
    { kind: 'cut' },
    { kind: 'hold', direction: 'both' },
    { kind: 'hold', direction: 'to redis' },
    { kind: 'hold', direction: 'from redis' },
    { kind: 'delay', ms: Math.round(random.between(5, 400)) },
  ] as const);
  const what = {
    cut: 'network cut',
    delay: 'network slow',
    hold: `network silent${trouble.kind === 'hold' && trouble.direction !== 'both' ? ` ${trouble.direction}` : ''}`,
  }[trouble.kind];
  return {
    name: `${what}, for ${everybody ? 'all processes' : 'one process'}`,
    run: async ({ proxy, fleet }) => {
      const rule: Rule = everybody ? { trouble } : { trouble, process: processFor(fleet, who) };
      const end = proxy.apply(rule);
      await pause(lasts);
      end();
    },
  };
};

const halfClose: Draw = (random) => {
  const direction = random.pick(['to redis', 'from redis'] as const);
  const [everybody, who] = [random.chance(0.5), random.next()];
  return {
    name: `connections half closed ${direction}`,
    run: async ({ proxy, fleet }) => {
      proxy.halfClose(everybody ? {} : { process: processFor(fleet, who) }, direction);
    },
  };
};

const freezeProcess: Draw = (random) => {
  const [who, lasts] = [random.next(), random.between(200, 7 * SECOND)];
  return {
    name: 'process stopped and continued',
    run: async ({ fleet }) => {
      const name = processFor(fleet, who);
      fleet.freeze(name);
      await pause(lasts);
      fleet.thaw(name);
    },
  };
};

const killProcess: Draw = (random) => {
  const who = random.next();
  return {
    name: 'process killed, another started',
    run: ({ fleet }) => fleet.replace(processFor(fleet, who)),
  };
};

const processFor = ({ names }: Fleet, choice: number): string => names[Math.floor(choice * names.length)] as string;

const ON_EVERY_SERVER: readonly Draw[] = [kill, freeze, evict, evict, flush];
const WITH_REPLICAS: readonly Draw[] = [
  failOver,
  failOverSeenByOne,
  killUntilReplaced,
  killUntilReplaced,
  freezeUntilReplaced,
];
const ON_THE_NETWORK: readonly Draw[] = [network, network, network, halfClose];
const ON_PROCESSES: readonly Draw[] = [freezeProcess, killProcess];

/** One fault, or one of the servers and another of the network or of a process at the same time. */
export function drawFaults(random: Random, stand: RedisStand): Fault[] {
  const servers = stand.failOver === null ? ON_EVERY_SERVER : [...ON_EVERY_SERVER, ...WITH_REPLICAS];
  const elsewhere = random.chance(0.7) ? ON_THE_NETWORK : ON_PROCESSES;
  const both = random.chance(0.25);
  const first = random.pick(random.chance(0.5) || both ? servers : elsewhere)(random, stand);
  return both ? [first, random.pick(elsewhere)(random, stand)] : [first];
}
