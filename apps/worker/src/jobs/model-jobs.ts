import type { ModelInfos } from '@promptsales/llm-cache';
import type { Job } from './job.js';

/** Four times within the time to live of what is known of a model. */
const EVERY_MS = 15 * 60_000;

/** Asks after every model that was used in the last day, so that who wants to know finds it known. */
export function probeModels(infos: Pick<ModelInfos, 'refresh'>): Job {
  return { name: 'models.probe', everyMs: EVERY_MS, run: async () => ({ ...(await infos.refresh()) }) };
}
