import type { MetricsRegistry } from './metrics-registry.js';
import type { CountTally, TimeTally } from './tally.js';

/** Seconds until a server begins its answer: few buckets, since there is a series for each server and method. */
const ANSWER_BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60];
/** Who configures more looks at them with `GET /v1/mcp/servers`. */
const MOST_SERVERS = 20;
const OTHERS = '_other';
const DEFAULT_TENANT = 'default';

interface Server {
  readonly tenant: string;
  readonly name: string;
}

/**
 * What the MCP gateway tells, as metrics; has the shape of mcp-cache's `McpObserver`. Servers are told apart by name where the
 * operator has configured them, which is in the tenant `default`: what tenants call theirs stands in no label.
 */
export class McpInstruments {
  readonly #answers: CountTally;
  readonly #failures: CountTally;
  readonly #refused: CountTally;
  readonly #seconds: TimeTally;
  readonly #named = new Set<string>();

  constructor(metrics: MetricsRegistry) {
    this.#answers = metrics.countTally(
      'mcp_answers_total',
      'Requests to MCP servers that were answered, by where the answer came from (x-cache, or passed)',
      ['server', 'method', 'outcome'],
    );
    this.#failures = metrics.countTally('mcp_upstream_failures_total', 'Requests that an MCP server did not answer', [
      'server',
      'method',
    ]);
    this.#refused = metrics.countTally(
      'mcp_refused_total',
      'Requests to the MCP gateway that got an error of its own, by its code',
      ['why'],
    );
    this.#seconds = metrics.timeTally(
      'mcp_upstream_seconds',
      'Time until an MCP server begins its answer',
      ['server', 'method'],
      ANSWER_BUCKETS,
    );
  }

  readonly answered = (server: Server, method: string, outcome: string): void => {
    this.#answers.add(this.#labelOf(server), method, outcome.toLowerCase());
  };

  readonly asked = (server: Server, method: string, ms: number, failed: boolean): void => {
    const label = this.#labelOf(server);
    this.#seconds.observe(ms / 1000, label, method);
    if (failed) this.#failures.add(label, method);
  };

  readonly refused = (code: string): void => this.#refused.add(code);

  #labelOf({ tenant, name }: Server): string {
    if (tenant !== DEFAULT_TENANT) return OTHERS;
    if (this.#named.size < MOST_SERVERS) this.#named.add(name);
    return this.#named.has(name) ? name : OTHERS;
  }
}
