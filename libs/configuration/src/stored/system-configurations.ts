import { absent, type CacheAside } from '@promptsales/cache-core';
import type { JsonObject } from '../json.js';
import { ABSENT_FOR } from './cached-row.js';
import { readCopy } from './configuration-copy.js';
import type { Configurations } from './configurations.js';

/** Configurations of systems, for the parts of the platform that are configured so. */
export class SystemConfigurations {
  readonly #configurations: Pick<Configurations, 'row'>;
  readonly #aside: CacheAside;

  constructor(configurations: Pick<Configurations, 'row'>, aside: CacheAside) {
    this.#configurations = configurations;
    this.#aside = aside;
  }

  /** The value stored under `key`, its secrets encrypted; null: nothing is, or it is a provider's. */
  async read(key: string, tenant: string): Promise<JsonObject | null> {
    const { ref, load, usable } = this.#configurations.row(key, tenant);
    const options = usable === undefined ? ABSENT_FOR : { ...ABSENT_FOR, usable };
    const { value } = await this.#aside.getOrLoad(ref, load, options);
    if (value === absent) return null;
    const copy = readCopy(value);
    return copy.type === 'system' ? copy.value : null;
  }
}
