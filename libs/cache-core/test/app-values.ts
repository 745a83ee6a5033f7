import { keyspace } from '../src/index.js';
import type { Process } from './cache-process.js';

/** A key of the family in which applications keep what they like. */
export const app = (key: string, tenant?: string) => keyspace.appValue.at({ key }, tenant);

/** What a process gets for the key, where the origin has this value. */
export const load = (process: Process, key: string, value: unknown, options = {}) =>
  process.aside.getOrLoad(app(key), async () => value, options);
