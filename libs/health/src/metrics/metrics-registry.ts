import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CountTally, TimeTally } from './tally.js';

/** Seconds; hits take around a millisecond, upstream calls up to minutes. */
const FAST = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const ALL = [...FAST, 5, 10, 30, 60, 120, 300, 600];

/**
 * The Prometheus metrics of one process. Labels are taken from closed sets only (families of the keyspace, templates of routes,
 * outcomes): never a tenant, a user, a key, a model name that a caller chose or a path.
 */
export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #dependencyUp = this.gauge('dependency_up', 'Whether a dependency answers (1) or not (0)', ['dependency']);
  readonly #requests = this.countTally('http_requests_total', 'Requests answered, by route template', [
    'method',
    'route',
    'status',
  ]);
  readonly #requestSeconds = this.timeTally(
    'http_request_duration_seconds',
    'Time from the request line to the end of the answer',
    ['method', 'route'],
    ALL,
  );
  readonly #keysUnchecked = this.counter(
    'http_keys_unchecked_total',
    'Keys that could not be checked on routes that are open without one: the request was answered as nobody’s',
  );

  constructor(service: string) {
    this.#registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.#registry });
  }

  /** The exposition format's own media type. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  expose(): Promise<string> {
    return this.#registry.metrics();
  }

  counter<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
    collect?: () => number,
  ): Gauge<Label> {
    return new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      ...(collect === undefined
        ? {}
        : {
            collect(this: Gauge<Label>) {
              this.set(collect());
            },
          }),
    });
  }

  histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
    buckets: readonly number[] = FAST,
  ): Histogram<Label> {
    return new Histogram({
      name,
      help,
      labelNames: [...labelNames],
      buckets: [...buckets],
      registers: [this.#registry],
    });
  }

  /** A counter for what happens with every request. */
  countTally(name: string, help: string, labelNames: readonly string[]): CountTally {
    const tally = new CountTally(name, help, labelNames);
    this.#registry.registerMetric(tally.asMetric());
    return tally;
  }

  /** A histogram for what happens with every request. */
  timeTally(name: string, help: string, labelNames: readonly string[], buckets: readonly number[] = FAST): TimeTally {
    const tally = new TimeTally(name, help, labelNames, buckets);
    this.#registry.registerMetric(tally.asMetric());
    return tally;
  }

  /** One answered request; `route` is a template (`/v1/keys/:id`), or `unmatched`. */
  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.add(method, route, String(status));
    this.#requestSeconds.observe(seconds, method, route);
  }

  keyUnchecked(): void {
    this.#keysUnchecked.inc();
  }

  dependencies(up: Readonly<Record<string, boolean>>): void {
    for (const [dependency, is] of Object.entries(up)) this.#dependencyUp.set({ dependency }, is ? 1 : 0);
  }
}
