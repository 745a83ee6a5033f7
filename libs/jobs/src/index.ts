export { JOBS_MIGRATIONS } from './jobs-migrations.js';
