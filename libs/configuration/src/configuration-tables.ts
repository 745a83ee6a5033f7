import type { ColumnType, Generated } from 'kysely';
import type { JsonObject } from './json.js';

/** `provider`: how to call somebody else's service. `system`: anything else that applications want to be told. */
export type ConfigurationType = 'provider' | 'system';

/** Written as JSON text, read as what it says. */
type JsonColumn<T> = ColumnType<T, string, string>;

export interface ConfigurationsTable {
  tenant: string;
  key: string;
  type: ConfigurationType;
  /** With its secrets encrypted. */
  value: JsonColumn<JsonObject>;
  by_administrator: boolean;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  revision: Generated<string>;
}

export interface ClientConfigurationsTable {
  tenant: string;
  client_name: string;
  tools_acceso: JsonColumn<readonly string[]>;
  rate_limit: string;
  max_requests_hora: number;
  estado: string;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export interface ConfigurationTables {
  configurations: ConfigurationsTable;
  client_configurations: ClientConfigurationsTable;
  configuration_clock: { revision: string; epoch: string };
}
