export { RECORDS_MIGRATIONS } from './records-migrations.js';
export type { OutdatedRecords, RecordsOptions, RecordsOutbox } from './records-options.js';
export { RecordsModule, type RecordsAsyncOptions } from './records.module.js';
