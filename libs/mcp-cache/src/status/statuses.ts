/** What is known of each server: made by a process that looks after them, read by everybody. */
import { encodeValue, keyspace, valueReading, type Cache, type KeyRef, type ValueOf } from '@promptsales/cache-core';
import type { McpServer } from '../servers/mcp-server.js';
import type { Upstream } from '../upstream/upstream.js';
import { probe } from './probe.js';
import type { Traffic } from './traffic.js';

export type ServerStatus = ValueOf<typeof keyspace.mcpServerStatus>;

export interface StatusesParts {
  readonly cache: Cache;
  readonly traffic: Pick<Traffic, 'sumsOf'>;
  readonly upstreamOf: (server: McpServer) => Upstream;
}

const PROBE_MS = 15_000;
const AT_ONCE = 4;

export class McpStatuses {
  readonly #parts: StatusesParts;

  constructor(parts: StatusesParts) {
    this.#parts = parts;
  }

  /** Null: nothing is known at the moment. */
  async of(server: Pick<McpServer, 'tenant' | 'name'>): Promise<ServerStatus | null> {
    const found = await this.#parts.cache.lookup(valueReading(refOf(server)));
    return found.kind === 'hit' ? found.hit.value : null;
  }

  /** Asks every server, a few at once. */
  async refresh(servers: Iterable<McpServer>): Promise<{ readonly servers: number; readonly unhealthy: number }> {
    const waiting = [...servers];
    const figures = { servers: waiting.length, unhealthy: 0 };
    const work = async (): Promise<void> => {
      for (let server = waiting.pop(); server !== undefined; server = waiting.pop()) {
        if (!(await this.#refresh(server))) figures.unhealthy += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return figures;
  }

  async #refresh(server: McpServer): Promise<boolean> {
    const { cache, traffic, upstreamOf } = this.#parts;
    const now = new Date();
    const [{ healthy, ms }, sums] = await Promise.all([
      probe(server.tenant, () => upstreamOf(server), PROBE_MS),
      traffic.sumsOf(server, now),
    ]);
    const { requestsLastHour, msLastHour } = sums;
    const status: ServerStatus = {
      status: healthy ? 'healthy' : 'unhealthy',
      last_health_check: now.toISOString(),
      requests_last_min: sums.requestsLastMinute,
      avg_response_time: Math.round((requestsLastHour === 0 ? ms : msLastHour / requestsLastHour) * 10) / 10,
      errors_last_hour: sums.errorsLastHour,
    };
    const ref = refOf(server);
    await cache.put({ ref }, { stored: encodeValue(ref.family, status) });
    return healthy;
  }
}

/** What a status tells of the server alone: the rest counts what all tenants ask it. */
export function healthIn(status: ServerStatus | null): Pick<ServerStatus, 'status' | 'last_health_check'> | null {
  return status === null ? null : { status: status.status, last_health_check: status.last_health_check };
}

function refOf({ tenant, name }: Pick<McpServer, 'tenant' | 'name'>): KeyRef<typeof keyspace.mcpServerStatus> {
  return keyspace.mcpServerStatus.at({ server_name: name }, tenant);
}
