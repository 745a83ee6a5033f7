/** What is known of a model: whether its provider has it, when that was seen, and how long the provider takes to answer. */
import {
  absent,
  keyspace,
  valueReading,
  type Absent,
  type Cache,
  type CacheAside,
  type KeyRef,
  type ValueOf,
} from '@promptsales/cache-core';
import type { ModelProber } from './model-prober.js';
import type { ModelInUse, ModelsInUse } from './models-in-use.js';

export type ModelInfo = ValueOf<typeof keyspace.llmModelInfo>;

export interface ModelInfosParts {
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly prober: ModelProber;
  readonly inUse: ModelsInUse;
}

/** What one answer counts against those before it. */
const WEIGHT = 0.2;
const MOST_LISTED = 200;
const MOST_REFRESHED = 1000;
const AT_ONCE = 4;
const PROBE_MS = 10_000;

export class ModelInfos {
  readonly #parts: ModelInfosParts;

  constructor(parts: ModelInfosParts) {
    this.#parts = parts;
  }

  refOf({ tenant, provider, model }: ModelInUse): KeyRef<typeof keyspace.llmModelInfo> {
    return keyspace.llmModelInfo.at({ provider, model }, tenant);
  }

  /** Asks the provider. `absent`: the tenant has no such provider for the model. */
  async probe(wanted: ModelInUse): Promise<ModelInfo | Absent> {
    const { cache, prober } = this.#parts;
    const probed = await prober.probe(wanted, AbortSignal.timeout(PROBE_MS));
    if (probed === null) return absent;
    const found = await cache.lookup(valueReading(this.refOf(wanted)));
    const before = found.kind === 'hit' ? found.hit.value.avg_response_time : null;
    const { status, seconds } = probed;
    return { status, last_check: new Date().toISOString(), avg_response_time: averageOf(before, seconds) };
  }

  /** Of the models that the tenant uses. */
  async list(tenant: string): Promise<readonly (ModelInUse & ModelInfo)[]> {
    const inUse = await this.#parts.inUse.of(tenant, MOST_LISTED);
    const loaded = await this.#parts.aside.getMany(
      inUse.map((one) => this.refOf(one)),
      (refs) => {
        const wanted = new Map(inUse.map((one) => [this.refOf(one).key, one]));
        return eachOf(refs, AT_ONCE, ({ key }) => this.probe(wanted.get(key) as ModelInUse));
      },
    );
    return loaded.flatMap(({ value }, at) => (value === absent ? [] : { ...(inUse[at] as ModelInUse), ...value }));
  }

  /** Asks for every model that is in use, be it known already. For a process that does so in time. */
  async refresh(): Promise<{ readonly models: number; readonly unavailable: number }> {
    const inUse = await this.#parts.inUse.ofAll(MOST_REFRESHED);
    const infos = await eachOf(inUse, AT_ONCE, async (one) => {
      const { value } = await this.#parts.aside.getOrLoad(this.refOf(one), () => this.probe(one), { anew: true });
      return value;
    });
    const unavailable = infos.filter((info) => info !== absent && info.status !== 'available').length;
    return { models: infos.length, unavailable };
  }
}

/** An exponentially weighted mean: an outlier is forgotten after some ten probes. */
function averageOf(before: number | null, seconds: number | null): number | null {
  if (seconds === null) return before;
  const average = before === null ? seconds : before + WEIGHT * (seconds - before);
  return Math.round(average * 1e6) / 1e6;
}

/** Results stand in the order of the items. */
async function eachOf<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of left) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
