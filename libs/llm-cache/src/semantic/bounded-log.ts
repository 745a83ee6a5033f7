/** Redis streams that keep their latest entries: what all processes know together, in one order for all. */
import { type KeyRef, loadScript, physicalKey, type RedisRoles } from '@promptsales/cache-core';

const APPEND = loadScript(new URL('./lua/semantic-append.lua', import.meta.url));
const READ_COUNT = 512;

export interface LogEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Every method throws `RedisUnavailableError` when Redis cannot be used. */
export class BoundedLog {
  readonly #roles: RedisRoles;
  readonly #keyPrefix: string;

  constructor(roles: RedisRoles, keyPrefix: string) {
    this.#roles = roles;
    this.#keyPrefix = keyPrefix;
  }

  async append(ref: KeyRef, fields: LogEntry['fields'], keep: number, ttlSeconds: number): Promise<void> {
    const args = [ttlSeconds * 1000, keep, ...Object.entries(fields).flat()];
    await this.#roles.link(ref.family.role).run(APPEND, [physicalKey(this.#keyPrefix, ref.key)], args);
  }

  /** What came after the entry with this id, oldest first, in portions; from the beginning where it is empty. */
  async *after(ref: KeyRef, id: string): AsyncGenerator<LogEntry[]> {
    const key = physicalKey(this.#keyPrefix, ref.key);
    const link = this.#roles.link(ref.family.role);
    for (let last = id === '' ? '0' : id; ;) {
      const from = last;
      const read = await link.readAt(key, (client) => client.xread('COUNT', READ_COUNT, 'STREAMS', key, from));
      const entries = read?.[0]?.[1] ?? [];
      if (entries.length > 0) yield entries.map(([entryId, flat]) => ({ id: entryId, fields: recordOf(flat) }));
      if (entries.length < READ_COUNT) return;
      last = (entries.at(-1) as [string, string[]])[0];
    }
  }
}

function recordOf(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) fields[flat[at] as string] = flat[at + 1] as string;
  return fields;
}
