/**
 * What each server was asked, minute by minute, over all processes. Counted here and brought to Redis every second: a
 * process that dies, or is without Redis, loses at most that.
 */
import {
  dayMinuteText,
  keyspace,
  loadScript,
  physicalKey,
  type KeyRef,
  type PlainValues,
  type RedisRoles,
} from '@promptsales/cache-core';
import type { McpServer } from '../servers/mcp-server.js';

const COUNT = loadScript(new URL('./lua/count-mcp-traffic.lua', import.meta.url));
const EVERY_MS = 1000;
const MINUTE_MS = 60_000;
const TTL_MS = (keyspace.mcpTraffic.ttlSeconds ?? 0) * 1000;

type Named = Pick<McpServer, 'tenant' | 'name'>;

export interface TrafficSums {
  readonly requestsLastMinute: number;
  readonly requestsLastHour: number;
  readonly errorsLastHour: number;
  readonly msLastHour: number;
}

interface Tally {
  readonly ref: KeyRef;
  requests: number;
  errors: number;
  ms: number;
}

export interface TrafficParts {
  readonly roles: RedisRoles;
  readonly plain: Pick<PlainValues, 'read'>;
  readonly keyPrefix: string;
  /** Told of what was not foreseen. */
  readonly failed: (error: unknown) => void;
}

export class Traffic {
  readonly #parts: TrafficParts;
  readonly #timer: NodeJS.Timeout;
  #tallies = new Map<string, Tally>();

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.flush(), EVERY_MS);
    this.#timer.unref();
  }

  asked(server: Named, ms: number, failed: boolean): void {
    const ref = minuteOf(server, new Date());
    let tally = this.#tallies.get(ref.key);
    if (tally === undefined) this.#tallies.set(ref.key, (tally = { ref, requests: 0, errors: 0, ms: 0 }));
    tally.requests += 1;
    tally.errors += failed ? 1 : 0;
    tally.ms += ms;
  }

  async flush(): Promise<void> {
    const tallies = [...this.#tallies.values()];
    this.#tallies = new Map();
    const { roles, keyPrefix, failed } = this.#parts;
    const written = tallies.map(({ ref, requests, errors, ms }) =>
      roles
        .link(ref.family.role)
        .run(COUNT, [physicalKey(keyPrefix, ref.key)], [TTL_MS, requests, errors, Math.round(ms)]),
    );
    for (const result of await Promise.allSettled(written)) if (result.status === 'rejected') failed(result.reason);
  }

  /** Of the sixty minutes before this one, and of the latest of them. */
  async sumsOf(server: Named, now: Date): Promise<TrafficSums> {
    const minutes = await Promise.all(
      Array.from({ length: 60 }, (_, ago) =>
        this.#parts.plain.read(minuteOf(server, new Date(now.getTime() - (ago + 1) * MINUTE_MS))),
      ),
    );
    const values = minutes.map((read) =>
      read.kind === 'value' ? read.value : { requests: 0, errors: 0, total_ms: 0 },
    );
    const sum = (of: (value: (typeof values)[number]) => number): number =>
      values.reduce((all, one) => all + of(one), 0);
    return {
      requestsLastMinute: values[0]?.requests ?? 0,
      requestsLastHour: sum(({ requests }) => requests),
      errorsLastHour: sum(({ errors }) => errors),
      msLastHour: sum(({ total_ms }) => total_ms),
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}

function minuteOf({ tenant, name }: Named, at: Date): KeyRef<typeof keyspace.mcpTraffic> {
  return keyspace.mcpTraffic.at({ server_name: name, 'yyyy-mm-dd-HH-MM': dayMinuteText(at) }, tenant);
}
