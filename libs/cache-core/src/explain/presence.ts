import { decodeSidecar } from '../cache/sidecar.js';
import { keysOf } from '../cache/entry.js';
import type { KeyRef } from '../keyspace/family.js';
import type { RedisRoles } from '../redis/roles.js';

export interface Presence {
  /** Something lies at the key, whatever it is worth. */
  readonly there: boolean;
  /** Whose it is, where something beside it says so: in families whose keys hold an identity hash the key does not. */
  readonly tenant: string | null;
}

/** @throws RedisUnavailableError */
export async function presenceOf(ref: KeyRef, roles: RedisRoles, keyPrefix: string): Promise<Presence> {
  const link = roles.link(ref.family.role);
  const { value, sidecar } = keysOf({ ref }, keyPrefix);
  const [count, [bytes]] = await Promise.all([
    link.readAt(value, (client) => client.exists(value)),
    link.readStrings([sidecar]),
  ]);
  return { there: count > 0, tenant: (bytes && decodeSidecar(bytes)?.tenant) ?? null };
}
