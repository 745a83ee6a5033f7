import type { Database } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import { Retention } from '@promptsales/jobs';
import type { Job } from './job.js';

const EVERY_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

/** Deletes generation jobs and dead letters that have been kept for long enough. */
export function sweepJobs(
  database: Database,
  {
    completedRetentionDays,
    deadRetentionDays,
  }: Pick<Environment['jobs'], 'completedRetentionDays' | 'deadRetentionDays'>,
): Job {
  const retention = new Retention(database, {
    completedMs: msOf(completedRetentionDays),
    deadMs: msOf(deadRetentionDays),
  });
  return { name: 'jobs.retention', everyMs: EVERY_MS, run: async () => ({ ...(await retention.sweep()) }) };
}

/** Zero days: for ever. */
function msOf(days: number): number | null {
  return days === 0 ? null : days * DAY_MS;
}
