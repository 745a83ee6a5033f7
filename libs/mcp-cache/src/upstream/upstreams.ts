import { isAllowedCommand } from '../servers/allowed-commands.js';
import { decidesWhatRuns } from '../servers/deciding-variables.js';
import type { McpServer } from '../servers/mcp-server.js';
import { HttpUpstream } from './http-upstream.js';
import { Places, TIMES_WHAT_IS_LEFT } from './places.js';
import { StdioUpstream } from './stdio-upstream.js';
import { UpstreamError, type Upstream } from './upstream.js';

export interface UpstreamBounds {
  /** Until the headers of an answer. */
  readonly timeoutMs: number;
  /** Of one server that is started as a process. */
  readonly mostSessions: number;
  /** Of all servers that are started as processes; see `Places` for what one tenant may have of them. */
  readonly mostProcesses: number;
  readonly idleMs: number;
  /** Commands that a server may be started with: also one that was stored when others were. */
  readonly stdioAllow: readonly string[];
}

const DEFAULT_BOUNDS: UpstreamBounds = Object.freeze({
  timeoutMs: 600_000,
  mostSessions: 64,
  mostProcesses: 256,
  idleMs: 900_000,
  stdioAllow: [],
});
/** What is still under way with a server whose configuration has changed may take so long to end. */
const FAREWELL_MS = 60_000;

/** The servers that were asked, each by the configuration that it has now. */
export class Upstreams {
  readonly #bounds: UpstreamBounds;
  readonly #upstreams = new Map<string, { readonly identity: string; readonly upstream: Upstream }>();
  readonly #places: Places;
  readonly #leaving = new Map<Upstream, NodeJS.Timeout>();
  #closed = false;

  constructor(bounds: Partial<UpstreamBounds> = {}) {
    this.#bounds = Object.freeze({ ...DEFAULT_BOUNDS, ...bounds });
    this.#places = new Places(this.#bounds.mostProcesses, TIMES_WHAT_IS_LEFT);
  }

  /** How long an answer may take. */
  get timeoutMs(): number {
    return this.#bounds.timeoutMs;
  }

  /** @throws UpstreamError for one that may not be started */
  of(server: McpServer): Upstream {
    // What is begun behind the end would be ended by nobody.
    if (this.#closed) throw new UpstreamError('upstream_stopped', 'This process is shutting down.');
    const key = keyOf(server);
    const known = this.#upstreams.get(key);
    if (known?.identity === server.identity) return known.upstream;
    if (known !== undefined) {
      // Also where no other can be made: one that is on its way out is nobody's any more.
      this.#upstreams.delete(key);
      this.#letGo(known.upstream);
    }
    const upstream = this.#made(server);
    this.#upstreams.set(key, { identity: server.identity, upstream });
    return upstream;
  }

  /** Those of servers that are configured otherwise now, or no more, are let go. */
  retain(servers: Iterable<McpServer>): void {
    const identities = new Map([...servers].map((server) => [keyOf(server), server.identity]));
    for (const [key, { identity, upstream }] of this.#upstreams) {
      if (identities.get(key) === identity) continue;
      this.#upstreams.delete(key);
      this.#letGo(upstream);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const leaving = [...this.#leaving].map(([upstream, timer]) => {
      clearTimeout(timer);
      return upstream;
    });
    const all = [...leaving, ...[...this.#upstreams.values()].map(({ upstream }) => upstream)];
    this.#leaving.clear();
    this.#upstreams.clear();
    await Promise.all(all.map((upstream) => upstream.close()));
  }

  #made({ reached }: McpServer): Upstream {
    const { timeoutMs, mostSessions, idleMs, stdioAllow } = this.#bounds;
    if (reached.kind === 'http') return new HttpUpstream({ ...reached, timeoutMs });
    // It may have been stored under other rules, or by other means.
    if (
      !isAllowedCommand(stdioAllow, reached.command, reached.args) ||
      Object.keys(reached.env).some(decidesWhatRuns)
    ) {
      throw new UpstreamError(
        'upstream_not_allowed',
        'This MCP server may not be started with its command, arguments and environment: see MCP_STDIO_ALLOW.',
      );
    }
    return new StdioUpstream({ ...reached, mostSessions, idleMs, places: this.#places });
  }

  #letGo(upstream: Upstream): void {
    const timer = setTimeout(() => {
      this.#leaving.delete(upstream);
      void upstream.close();
    }, FAREWELL_MS);
    timer.unref();
    this.#leaving.set(upstream, timer);
  }
}

function keyOf({ tenant, name }: McpServer): string {
  return JSON.stringify([tenant, name]);
}
