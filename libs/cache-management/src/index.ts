export { CacheManagementModule } from './cache-management.module.js';
export { FENCING_MIGRATIONS } from './fencing/fencing-migrations.js';
export { FencedOutError, FencingNumbers } from './fencing/fencing-numbers.js';
export type { CacheManagementOptions, ManagementAct, ManagementCaller } from './management-options.js';
export {
  InvalidationOutbox,
  type Noted,
  type Outdated,
  type OutboxObserver,
  type TenantsName,
} from './outbox/invalidation-outbox.js';
export { OUTBOX_MIGRATIONS } from './outbox/outbox-migrations.js';
export { OutboxRelay, type RelaySettings } from './outbox/outbox-relay.js';
