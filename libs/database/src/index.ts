export { DatabaseStartError, DatabaseUnavailableError, MigrationError, type UnavailableReason } from './errors.js';
export type { Migration, MigrationSet } from './migrations/migration-set.js';
