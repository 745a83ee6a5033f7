export { JOBS_MIGRATIONS } from './jobs-migrations.js';

// The routes.
export { JobsModule } from './jobs.module.js';
export { Retention } from './store/retention.js';
export type { JobsOptions } from './jobs-options.js';

// What runs jobs.
export { GenerationWorker, type GenerationWorkerParts, type GenerationWorkerSettings } from './generation-worker.js';
export { GenerationFailedError, type GeneratedText, type GenerateOptions, type Generator } from './run/generator.js';
export type { JobRunObserver } from './run/job-runs.js';
export type { IntakeObserver } from './intake/intake.js';
export { ANSWER_FORMAT } from './job/campaign-message.js';
export { generationSettings, promptOf, SETTINGS_KEY, settingsFaults } from './settings/generation-settings.js';
export {
  generationRequest,
  segmentoHash,
  segmentoText,
  UnusableRequestError,
  type Segmento,
} from './job/generation-request.js';
export type { GenerationJob } from './store/job-store.js';
export { QUEUE_CONNECTIONS } from './queue/job-queue.js';
