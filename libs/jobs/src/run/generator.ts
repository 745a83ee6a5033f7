import type { GenerationJob } from '../store/job-store.js';

/** What a model made of a job, as text, and what it took. */
export interface GeneratedText {
  readonly content: string;
  readonly model: string;
  readonly tokensTotal: number | null;
  readonly costTotalUsd: number | null;
}

export interface GenerateOptions {
  /** What is cached was no answer of the form that was asked for. */
  readonly anew: boolean;
  /** Nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

/** Where texts come from: the application gives the LLM gateway. */
export interface Generator {
  /** @throws GenerationFailedError, and whatever else: that is tried again */
  generate(job: GenerationJob, options: GenerateOptions): Promise<GeneratedText>;
}

/** The text could not be had. */
export class GenerationFailedError extends Error {
  readonly code: string;
  /** False: the same would be answered again. */
  readonly retriable: boolean;

  constructor(code: string, message: string, { retriable, cause }: { retriable: boolean; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GenerationFailedError';
    this.code = code;
    this.retriable = retriable;
  }
}
