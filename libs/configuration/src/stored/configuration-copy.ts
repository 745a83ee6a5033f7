import { keyspace, type KeyRef, type ValueOf } from '@promptsales/cache-core';
import type { ConfigurationType } from '../configuration-tables.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { ConfigurationRow } from './configuration-rows.js';

/** The member of the copy in Redis that is ours: other readers find the configuration itself around it. */
export const OWN_MEMBER = '_config';

/** A configuration as its copy in Redis has it. */
export type ConfigurationCopy = Pick<ConfigurationRow, 'type' | 'updatedAt' | 'value'>;

export function configurationRef(key: string, tenant: string): KeyRef<typeof keyspace.configKey> {
  return keyspace.configKey.at({ key }, tenant);
}

export function copyOf({ type, updatedAt, value }: ConfigurationCopy): ValueOf<typeof keyspace.configKey> {
  return { ...value, [OWN_MEMBER]: { type, updated_at: updatedAt } };
}

/** Another version, or somebody who writes through the library, may have put something else there. */
export function isCopy(value: ValueOf<typeof keyspace.configKey>): boolean {
  const own: unknown = Reflect.get(value, OWN_MEMBER);
  return isJsonObject(own) && typeof own['type'] === 'string' && typeof own['updated_at'] === 'string';
}

export function readCopy(copy: ValueOf<typeof keyspace.configKey>): ConfigurationCopy {
  const { [OWN_MEMBER]: own, ...value } = copy as JsonObject;
  const { type, updated_at: updatedAt } = own as { type: ConfigurationType; updated_at: string };
  return { type, updatedAt, value };
}
