export { CacheManagementModule } from './cache-management.module.js';
export { FENCING_MIGRATIONS } from './fencing/fencing-migrations.js';
export { FencedOutError, FencingNumbers } from './fencing/fencing-numbers.js';
export { IdentityRefusedError } from './explore/identity.js';
export type {
  CacheManagementOptions,
  KeyOfRequest,
  ManagementAct,
  ManagementCaller,
  RequestToKey,
} from './management-options.js';
export {
  InvalidationOutbox,
  type Noted,
  type Outdated,
  type OutboxObserver,
  type TenantsName,
} from './outbox/invalidation-outbox.js';
export { OUTBOX_MIGRATIONS } from './outbox/outbox-migrations.js';
export { OutboxRelay, type RelaySettings } from './outbox/outbox-relay.js';
