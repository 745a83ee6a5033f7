export { CacheManagementModule } from './cache-management.module.js';
export { FENCING_MIGRATIONS } from './fencing/fencing-migrations.js';
export { FencedOutError, FencingNumbers } from './fencing/fencing-numbers.js';
export type { CacheManagementOptions, ManagementAct, ManagementCaller } from './management-options.js';
