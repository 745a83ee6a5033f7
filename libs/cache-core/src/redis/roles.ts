import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { ROLES, type Role } from '../keyspace/roles.js';
import { RedisConfigurationError } from './errors.js';
import { ClusterLink } from './cluster-link.js';
import { DEFAULT_LINK_TIMES, type LinkTimes, type RedisLink } from './link.js';
import { Sentinels } from './sentinels.js';
import { ServerLink } from './server-link.js';
import { Subscriptions } from './subscriptions.js';
import { parseRedisUrl } from './url.js';

/**
 * How the keyspace's roles lie on Redis servers.
 * - `databases`: one server, a logical database for each role (the keyspace's numbers, moved by `databases`)
 * - `single`: everything in one database; no two patterns of the keyspace can meet
 * A role with a URL of its own lives there, in that URL's database (0 when it names none).
 */
export type RedisTopology = RedisHome & {
  /** @default 'databases'; a cluster has one database, so there it is always `single` */
  readonly layout?: 'databases' | 'single';
  readonly urls?: Partial<Record<Role, string>>;
  readonly databases?: Partial<Record<Role, number>>;
  /** Used where a URL has no password of its own. */
  readonly password?: string;
  readonly tls?: boolean;
  readonly times?: Partial<LinkTimes>;
  /** Connects in place of ioredis's own connector: a simulated network, a tunnel. */
  readonly connector?: NonNullable<RedisOptions['Connector']>;
};

/** Where the roles live that have no URL of their own: a server, the primary that Sentinels name, or a cluster. */
export type RedisHome =
  | { readonly url: string }
  | { readonly sentinels: readonly RedisAddress[]; readonly primaryName: string; readonly sentinelPassword?: string }
  | { readonly cluster: readonly RedisAddress[] };

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** What a link is made from; roles with the same share one. */
type Place =
  | { readonly connection: RedisOptions; readonly database: number; readonly behindSentinels: boolean }
  | { readonly connection: RedisOptions; readonly seeds: readonly string[] };

/** One link for each distinct place (server and database), shared by the roles that live there. */
export class RedisRoles {
  readonly #links = new Map<Role, RedisLink>();
  readonly #subscriptions = new Map<RedisLink, Subscriptions>();
  readonly #topology: RedisTopology;

  /**
   * Decides where each role lives. Connects only in `open`.
   * @throws RedisConfigurationError when a URL cannot be read
   */
  constructor(topology: RedisTopology) {
    this.#topology = topology;
    const roles = Object.keys(ROLES) as Role[];
    const byPlace = new Map<string, { place: Place; roles: Role[] }>();
    for (const role of roles) {
      const place = placeOf(role, topology);
      const id = JSON.stringify(place);
      const shared = byPlace.get(id);
      if (shared === undefined) byPlace.set(id, { place, roles: [role] });
      else shared.roles.push(role);
    }
    const times = { ...DEFAULT_LINK_TIMES, ...topology.times };
    const sentinels = 'sentinels' in topology ? sentinelsOf(topology, times) : undefined;
    for (const { place, roles: sharing } of byPlace.values()) {
      const settings = { ...times, name: sharing.join('+') };
      const link =
        'seeds' in place
          ? new ClusterLink({ ...settings, ...place })
          : new ServerLink({ ...settings, ...place, ...(place.behindSentinels && sentinels ? { sentinels } : {}) });
      for (const role of sharing) this.#links.set(role, link);
      this.#subscriptions.set(link, new Subscriptions(link));
    }
  }

  open(): this {
    for (const link of this.links()) link.open();
    return this;
  }

  link(role: Role): RedisLink {
    return this.#links.get(role) as RedisLink;
  }

  subscriptions(role: Role): Subscriptions {
    return this.#subscriptions.get(this.link(role)) as Subscriptions;
  }

  /**
   * A client that is no link's, for a library with commands of its own such as BullMQ. It reconnects by itself and has no
   * deadlines: whoever uses it must be right when its commands are late or are sent twice. The caller closes it.
   */
  ownClient(role: Role, purpose: string): Redis | Cluster {
    return ownClientAt(placeOf(role, this.#topology), this.#topology, purpose);
  }

  /** Each distinct link once. */
  links(): RedisLink[] {
    return [...new Set(this.#links.values())];
  }

  rolesOf(link: RedisLink): Role[] {
    return [...this.#links].filter(([, its]) => its === link).map(([role]) => role);
  }

  /** Up when every link is. */
  get up(): boolean {
    return this.links().every((link) => link.up);
  }

  async close(): Promise<void> {
    for (const subscriptions of this.#subscriptions.values()) subscriptions.close();
    await Promise.all(this.links().map((link) => link.close()));
  }
}

function placeOf(role: Role, topology: RedisTopology): Place {
  const own = topology.urls?.[role];
  const url = own ?? ('url' in topology ? topology.url : undefined);
  const { connection, database } = url === undefined ? { connection: {}, database: undefined } : parseRedisUrl(url);
  const withCredentials: RedisOptions = {
    ...connection,
    ...(topology.tls === true && connection.tls === undefined && connection.path === undefined ? { tls: {} } : {}),
    ...(connection.password === undefined && topology.password !== undefined ? { password: topology.password } : {}),
    ...(topology.connector === undefined ? {} : { Connector: topology.connector }),
  };
  if (own === undefined && 'cluster' in topology) {
    checkOneDatabase(role, topology.databases?.[role], 0, 'a cluster has database 0 only');
    return { connection: withCredentials, seeds: topology.cluster.map(({ host, port }) => `${host}:${port}`) };
  }
  const behindSentinels = own === undefined && 'sentinels' in topology;
  return {
    connection: withCredentials,
    database: databaseOf(role, topology, own !== undefined, database),
    behindSentinels,
  };
}

function ownClientAt(place: Place, topology: RedisTopology, purpose: string): Redis | Cluster {
  const common: RedisOptions = {
    ...place.connection,
    lazyConnect: true,
    connectionName: `promptsales:${purpose}`,
    // BullMQ's workers want this; nobody else waits for such a client.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(50 * times, 1000),
  };
  if ('seeds' in place) {
    return new Cluster([...place.seeds], { redisOptions: common, lazyConnect: true, enableReadyCheck: true });
  }
  const options: RedisOptions = { ...common, db: place.database };
  if (!place.behindSentinels || !('sentinels' in topology)) return new Redis(options);
  const { sentinels, primaryName, sentinelPassword } = topology;
  return new Redis({
    ...options,
    sentinels: [...sentinels],
    name: primaryName,
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(topology.tls === true ? { enableTLSForSentinelMode: true } : {}),
  });
}

/** All links behind the same Sentinels share what they say. */
function sentinelsOf(topology: Extract<RedisTopology, { sentinels: unknown }>, times: LinkTimes): Sentinels {
  const { sentinels, primaryName, sentinelPassword, tls, connector } = topology;
  const { connectTimeoutMs, commandTimeoutMs, heartbeatMs, holdAfterRestartMs } = times;
  return new Sentinels({
    addresses: sentinels,
    primaryName,
    connection: {
      ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
      ...(tls === true ? { tls: {} } : {}),
      ...(connector === undefined ? {} : { Connector: connector }),
    },
    connectTimeoutMs,
    commandTimeoutMs,
    askEveryMs: Math.min(heartbeatMs, holdAfterRestartMs / 4),
    // Less than the hold: clocks run at slightly different rates, and timers are early by a little.
    termMs: holdAfterRestartMs * 0.9,
  });
}

function databaseOf(role: Role, topology: RedisTopology, ownUrl: boolean, inUrl: number | undefined): number {
  const moved = topology.databases?.[role];
  if (ownUrl) return moved ?? inUrl ?? 0;
  if (topology.layout === 'single') {
    checkOneDatabase(role, moved, inUrl ?? 0, 'the layout "single" uses one database');
    return inUrl ?? 0;
  }
  // A database number in the shared URL is role cache's: existing readers of that URL look there.
  return moved ?? (role === 'cache' ? inUrl : undefined) ?? ROLES[role].database;
}

function checkOneDatabase(role: Role, asked: number | undefined, only: number, why: string): void {
  if (asked === undefined || asked === only) return;
  throw new RedisConfigurationError(`role ${role} cannot have database ${asked}: ${why}`);
}
