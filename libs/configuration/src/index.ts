export { ConfigurationModule, type ConfigurationAsyncOptions } from './configuration.module.js';
export { CONFIGURATION_MIGRATIONS } from './configuration-migrations.js';
export { ConfigurationError, type ConfigurationErrorCode } from './configuration-error.js';
export type {
  Actor,
  CommittingOutbox,
  ConfigurationAct,
  ConfigurationObserver,
  ConfigurationOptions,
} from './configuration-options.js';
export {
  ClientConfigurations,
  type ClientConfiguration,
  type ClientPermissions,
} from './clients/client-configurations.js';
export { SystemConfigurations } from './stored/system-configurations.js';
export { ProviderDirectory, type StoredProvider } from './providers/provider-directory.js';
export type { ProviderFields } from './providers/provider-fields.js';
export { SecretKeeper } from './secrets/secret-keeper.js';
