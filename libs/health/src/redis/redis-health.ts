import type { RedisEndpoint, RedisRole, RedisServers } from '../probes/dependencies.js';
import { Freshly } from '../probes/freshly.js';
import { within } from '../probes/within.js';
import { checkEviction, explainEviction, type EvictionFinding } from './eviction-policy.js';
import { memoryUsagePercent, parseRedisInfo, type RedisFigures } from './redis-info.js';

export interface RedisHealthOptions {
  /** The policy expected of servers that hold evictable roles. */
  readonly expectedPolicy: string;
  readonly memoryThresholdPercent: number;
  readonly alertOnHighMemory: boolean;
}

/** One server, whichever of our connections reached it. */
export interface RedisServerReport {
  readonly roles: readonly string[];
  readonly pingMs: number;
  readonly figures: RedisFigures;
  readonly memoryPercent: number | null;
  readonly eviction: EvictionFinding;
}

export interface RedisReport {
  readonly at: Date;
  readonly state: 'connected' | 'disconnected';
  /** What is wrong, worst first; empty when all is well. */
  readonly troubles: readonly string[];
  readonly servers: readonly RedisServerReport[];
  /** Roles whose connection is not up, with the reason. */
  readonly away: readonly { readonly roles: readonly string[]; readonly reason: string }[];
}

/** A frozen Redis must not make a probe wait until its own time-out (1 s is the default of Kubernetes). */
const ASK_WITHIN_MS = 400;
/** Probes of several kinds and any number of callers ask Redis at most this often. */
const FRESH_FOR_MS = 500;

/** Asks every Redis server of ours how it is: in bounded time, and no more often than makes sense. */
export class RedisHealth {
  readonly #servers: RedisServers;
  readonly #options: RedisHealthOptions;
  readonly #report = new Freshly(FRESH_FOR_MS, () => this.#ask());

  constructor(servers: RedisServers, options: RedisHealthOptions) {
    this.#servers = servers;
    this.#options = options;
  }

  report(): Promise<RedisReport> {
    return this.#report.get();
  }

  async #ask(): Promise<RedisReport> {
    const answers = await Promise.all(this.#servers.endpoints().map(askEndpoint));
    const away = answers.flatMap((answer) => ('reason' in answer ? [answer] : []));
    const servers = this.#byServer(answers.flatMap((answer) => ('reason' in answer ? [] : [answer])));
    return {
      at: new Date(),
      state: away.length === 0 ? 'connected' : 'disconnected',
      troubles: [
        ...away.map(({ roles, reason }) => `${roles.join(', ')}: ${reason}`),
        ...servers.flatMap((server) => this.#troublesOf(server)),
      ],
      servers,
      away,
    };
  }

  /** Several logical databases of one server answer with one run id. */
  #byServer(answers: readonly Answer[]): RedisServerReport[] {
    const groups = Map.groupBy(answers, (answer) => answer.figures.runId ?? answer);
    return [...groups.values()].flatMap((group) => {
      const first = group[0];
      if (first === undefined) return [];
      const roles = group.flatMap((answer) => answer.endpoint.roles);
      return {
        roles: roles.map((role: RedisRole) => role.name),
        pingMs: Math.max(...group.map((answer) => answer.pingMs)),
        figures: first.figures,
        memoryPercent: memoryUsagePercent(first.figures),
        eviction: checkEviction(first.figures, roles, this.#options.expectedPolicy),
      };
    });
  }

  #troublesOf(server: RedisServerReport): string[] {
    const eviction = explainEviction(server.eviction);
    const { memoryThresholdPercent, alertOnHighMemory } = this.#options;
    const high = alertOnHighMemory && server.memoryPercent !== null && server.memoryPercent >= memoryThresholdPercent;
    return [
      ...(eviction === null ? [] : [eviction]),
      ...(high ? [`memory is at ${server.memoryPercent} % of the limit (threshold ${memoryThresholdPercent} %)`] : []),
    ];
  }
}

interface Answer {
  readonly endpoint: RedisEndpoint;
  readonly pingMs: number;
  readonly figures: RedisFigures;
}

interface Away {
  readonly roles: readonly string[];
  readonly reason: string;
}

async function askEndpoint(endpoint: RedisEndpoint): Promise<Answer | Away> {
  const roles = endpoint.roles.map((role) => role.name);
  if (!endpoint.up) return { roles, reason: endpoint.lastError ?? 'not connected' };
  const began = performance.now();
  try {
    const figures = parseRedisInfo(await within(endpoint.info(ASK_WITHIN_MS), ASK_WITHIN_MS + 50));
    return { endpoint, pingMs: Math.round((performance.now() - began) * 100) / 100, figures };
  } catch (error) {
    return { roles, reason: error instanceof Error ? error.message : String(error) };
  }
}
