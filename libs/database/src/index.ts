export type { DatabaseState, StateChange } from './connection/availability.js';
export { Database } from './database.js';
export type { DatabaseLog, DatabaseOptions } from './database-options.js';
export { DatabaseModule, type DatabaseAsyncOptions } from './database.module.js';
export { DatabaseStartError, DatabaseUnavailableError, MigrationError, type UnavailableReason } from './errors.js';
export { createChangeClock } from './migrations/change-clock.js';
export { migrate, type MigrateOptions, type MigrationReport } from './migrations/migrate.js';
export type { Migration, MigrationSet } from './migrations/migration-set.js';
export type { StartClock } from './start/wait-for-database.js';
