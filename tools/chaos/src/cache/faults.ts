/**
 * What may go wrong, dealt by a seeded generator: the same seed deals the same faults in the same order. Like cards, so that
 * no kind comes again before every other of its place has come.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '@promptsales/simulator';
import type { TestRedis } from '@promptsales/test-kit';
import type { FaultProxy, Lane, Rule, Trouble } from './fault-proxy.js';
import type { Fleet } from './fleet.js';
import type { RedisStand } from './redis-stand.js';
import { adminOf, fill, occupy } from './server-admin.js';

export interface Field {
  readonly stand: RedisStand;
  readonly proxy: FaultProxy;
  readonly fleet: Fleet;
  /** What faults have done, so that one that does nothing is seen. */
  readonly count: (effect: string, times?: number) => void;
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

interface Kind {
  readonly name: string;
  readonly draw: (random: Random) => Fault['run'];
}

const SECOND = 1000;

/** One server of the cluster, or the only one, chosen by a number that was drawn before. */
const primaryFor = (stand: RedisStand, choice: number): Promise<TestRedis> =>
  stand.aPrimary((all) => all[Math.floor(choice * all.length)] as (typeof all)[number]);

const kill: Kind = {
  name: 'Redis killed, and started again with what it had written',
  draw: (random) => {
    const [choice, lasts] = [random.next(), random.between(100, 3 * SECOND)];
    return async ({ stand }) => {
      const server = await primaryFor(stand, choice);
      await server.kill();
      await pause(lasts);
      await server.restart();
    };
  },
};

const freeze: Kind = {
  name: 'Redis frozen',
  draw: (random) => {
    const [choice, lasts] = [random.next(), random.between(200, 4 * SECOND)];
    return async ({ stand }) => {
      const server = await primaryFor(stand, choice);
      server.freeze();
      await pause(lasts);
      server.thaw();
    };
  },
};

const occupied: Kind = {
  name: 'Redis busy with a script that does not end',
  draw: (random) => {
    const [choice, lasts] = [random.next(), random.between(200, 2 * SECOND)];
    return async ({ stand }) => occupy(await primaryFor(stand, choice), lasts);
  },
};

const evict = (policy: 'allkeys-lru' | 'allkeys-random'): Kind => ({
  name: `eviction pressure, ${policy}`,
  draw: (random) => {
    const lasts = random.between(1 * SECOND, 4 * SECOND);
    return async ({ stand, count }) => {
      const evicted = await Promise.all(stand.servers.map((server) => fill(server, policy, lasts)));
      count(
        'keys evicted',
        evicted.reduce((sum, one) => sum + one, 0),
      );
    };
  },
});

const flush: Kind = {
  name: 'FLUSHALL',
  draw: (random) => {
    const choice = random.next();
    return async ({ stand, count }) => {
      const redis = adminOf(await primaryFor(stand, choice));
      try {
        await redis.flushall();
        count('servers flushed');
      } catch (error) {
        if (!(error as Error).message.startsWith('READONLY')) throw error;
        count('servers not flushed, having just become replicas');
      } finally {
        redis.disconnect();
      }
    };
  },
};

const failOver: Kind = {
  name: 'failover in order',
  draw: (random) => {
    const choice = random.next();
    return async ({ stand, count }) => {
      await stand.failOver?.(await primaryFor(stand, choice));
      count('primaries replaced');
    };
  },
};

/** Who connects anew right after a failover is told another primary than those who stay connected to the old one. */
const failOverSeenByOne: Kind = {
  name: 'failover in order, and one process connects anew',
  draw: (random) => {
    const [choice, who, lasts] = [random.next(), random.next(), random.between(20, 200)];
    return async ({ stand, proxy, fleet, count }) => {
      await stand.failOver?.(await primaryFor(stand, choice));
      count('primaries replaced');
      const end = proxy.apply({ trouble: { kind: 'cut' }, process: processFor(fleet, who) });
      await pause(lasts);
      end();
    };
  },
};

const killUntilReplaced = ({ lags }: { readonly lags: boolean }): Kind => ({
  name: lags ? 'failover to a replica that lags behind' : 'failover from a primary that was killed',
  draw: (random) => {
    const [choice, lag] = [random.next(), lags ? random.between(50, 500) : 0];
    return async ({ stand, count }) => {
      const primary = await primaryFor(stand, choice);
      const replica = lags ? await stand.replicaOf(primary) : null;
      replica?.freeze();
      await pause(lag);
      await primary.kill();
      replica?.thaw();
      await stand.untilReplaced?.(primary);
      count('primaries replaced');
      await primary.restart();
    };
  },
});

const freezeUntilReplaced: Kind = {
  name: 'failover from a primary that was frozen and wakes up',
  draw: (random) => {
    const [choice, longer] = [random.next(), random.between(0, 2 * SECOND)];
    return async ({ stand, count }) => {
      const primary = await primaryFor(stand, choice);
      primary.freeze();
      try {
        await stand.untilReplaced?.(primary);
        count('primaries replaced');
        await pause(longer);
      } finally {
        primary.thaw();
      }
    };
  },
};

interface Reach {
  readonly everybody: boolean;
}

const network = (what: string, trouble: Trouble | 'slow', { everybody }: Reach): Kind => ({
  name: `network ${what}, for ${whom(everybody)}`,
  draw: (random) => {
    const who = random.next();
    const lasts = random.between(100, 4 * SECOND);
    const drawn: Trouble = trouble === 'slow' ? { kind: 'delay', ms: Math.round(random.between(5, 400)) } : trouble;
    return async ({ proxy, fleet }) => {
      const rule: Rule = everybody ? { trouble: drawn } : { trouble: drawn, process: processFor(fleet, who) };
      const end = proxy.apply(rule);
      await pause(lasts);
      end();
    };
  },
});

const halfClose = (direction: Lane['direction'], { everybody }: Reach): Kind => ({
  name: `connections half closed ${direction}, for ${whom(everybody)}`,
  draw: (random) => {
    const who = random.next();
    return async ({ proxy, fleet }) => {
      proxy.halfClose(everybody ? {} : { process: processFor(fleet, who) }, direction);
    };
  },
});

const whom = (everybody: boolean): string => (everybody ? 'all processes' : 'one process');

const freezeProcess: Kind = {
  name: 'process stopped and continued',
  draw: (random) => {
    const [who, lasts] = [random.next(), random.between(200, 7 * SECOND)];
    return async ({ fleet }) => {
      const name = processFor(fleet, who);
      fleet.freeze(name);
      await pause(lasts);
      fleet.thaw(name);
    };
  },
};

const killProcess: Kind = {
  name: 'process killed, another started',
  draw: (random) => {
    const who = random.next();
    return ({ fleet }) => fleet.replace(processFor(fleet, who));
  },
};

const processFor = ({ names }: Fleet, choice: number): string => names[Math.floor(choice * names.length)] as string;

const ON_EVERY_SERVER: readonly Kind[] = [kill, freeze, occupied, evict('allkeys-lru'), evict('allkeys-random'), flush];
const WITH_REPLICAS: readonly Kind[] = [
  failOver,
  failOverSeenByOne,
  killUntilReplaced({ lags: true }),
  killUntilReplaced({ lags: false }),
  freezeUntilReplaced,
];
const ON_THE_NETWORK: readonly Kind[] = [true, false].flatMap((everybody) => [
  network('cut', { kind: 'cut' }, { everybody }),
  network('silent', { kind: 'hold', direction: 'both' }, { everybody }),
  network('silent to redis', { kind: 'hold', direction: 'to redis' }, { everybody }),
  network('silent from redis', { kind: 'hold', direction: 'from redis' }, { everybody }),
  network('slow', 'slow', { everybody }),
  halfClose('to redis', { everybody }),
  halfClose('from redis', { everybody }),
]);
const ON_PROCESSES: readonly Kind[] = [freezeProcess, killProcess];

/** Deals all of some kinds in a drawn order, and then all of them again. */
class Deck {
  readonly #random: Random;
  readonly #kinds: readonly Kind[];
  #rest: Kind[] = [];

  constructor(random: Random, kinds: readonly Kind[]) {
    this.#random = random;
    this.#kinds = kinds;
  }

  deal(): Fault {
    if (this.#rest.length === 0) this.#rest = this.#random.shuffled(this.#kinds);
    const { name, draw } = this.#rest.pop() as Kind;
    return { name, run: draw(this.#random) };
  }
}

export class Faults {
  /** All that can occur. */
  readonly names: readonly string[];
  readonly #random: Random;
  readonly #ofServers: Deck;
  readonly #elsewhere: Deck;

  constructor(random: Random, { withReplicas }: { readonly withReplicas: boolean }) {
    const ofServers = withReplicas ? [...ON_EVERY_SERVER, ...WITH_REPLICAS] : ON_EVERY_SERVER;
    // What happens to processes is a fifth of these.
    const elsewhere = [...ON_THE_NETWORK, ...ON_PROCESSES, ...ON_PROCESSES];
    this.names = [...new Set([...ofServers, ...elsewhere].map(({ name }) => name))];
    this.#random = random;
    this.#ofServers = new Deck(random, ofServers);
    this.#elsewhere = new Deck(random, elsewhere);
  }

  /** One fault, or one of the servers and another of the network or of a process at the same time. */
  next(): Fault[] {
    if (this.#random.chance(0.25)) return [this.#ofServers.deal(), this.#elsewhere.deal()];
    return [(this.#random.chance(0.5) ? this.#ofServers : this.#elsewhere).deal()];
  }
}
