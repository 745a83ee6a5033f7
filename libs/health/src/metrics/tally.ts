/**
 * Counters and histograms of what happens with every request. An observation is one look-up and some additions, where
 * prom-client checks and joins the labels anew each time; it is prom-client that reads them out.
 */
import type { Metric } from 'prom-client';

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What a registry of prom-client asks of a metric. */
abstract class Tally<Series> {
  readonly name: string;
  readonly help: string;
  readonly aggregator = 'sum';
  abstract readonly type: 'counter' | 'histogram';
  readonly #labelNames: readonly string[];
  readonly #all = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly series: Series }>();

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
  }

  get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: Sample[] }> {
    const { name, help, type, aggregator } = this;
    const values = [...this.#all.values()].flatMap(({ labels, series }) => this.samplesOf(series, labels));
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  reset(): void {
    this.#all.clear();
  }

  /** For a registry, whose type names prom-client's own classes only. */
  asMetric(): Metric {
    return this as unknown as Metric;
  }

  protected abstract begin(): Series;
  protected abstract samplesOf(series: Series, labels: Sample['labels']): Sample[];

  /** The values stand in the order of the label names. */
  protected seriesOf(values: readonly string[]): Series {
    const key = values.length === 1 ? (values[0] as string) : values.join('\n');
    const known = this.#all.get(key);
    if (known !== undefined) return known.series;
    const labels = Object.fromEntries(this.#labelNames.map((label, at) => [label, values[at] ?? '']));
    const series = this.begin();
    this.#all.set(key, { labels, series });
    return series;
  }
}

export class CountTally extends Tally<{ count: number }> {
  readonly type = 'counter';

  add(...labels: readonly string[]): void {
    this.seriesOf(labels).count += 1;
  }

  protected override begin(): { count: number } {
    return { count: 0 };
  }

  protected override samplesOf({ count }: { count: number }, labels: Sample['labels']): Sample[] {
    return [{ labels, value: count }];
  }
}

interface Distribution {
  /** One more than there are bounds: the last is for what is above all of them. */
  readonly counts: number[];
  sum: number;
}

export class TimeTally extends Tally<Distribution> {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];

  /** @param bounds seconds, ascending; what is equal to one counts below it */
  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    super(name, help, labelNames);
    this.#bounds = bounds;
  }

  observe(seconds: number, ...labels: readonly string[]): void {
    const series = this.seriesOf(labels);
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] as number)) at += 1;
    series.counts[at] = (series.counts[at] as number) + 1;
    series.sum += seconds;
  }

  protected override begin(): Distribution {
    return { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
  }

  protected override samplesOf({ counts, sum }: Distribution, labels: Sample['labels']): Sample[] {
    let upTo = 0;
    const buckets = counts.map((count, at): Sample => {
      upTo += count;
      return { metricName: `${this.name}_bucket`, labels: { le: this.#bounds[at] ?? '+Inf', ...labels }, value: upTo };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: upTo },
    ];
  }
}
