import type { FastifyRequest } from 'fastify';

export interface JobsOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => { readonly tenant: string };
  readonly keyPrefix: string;
  /** Aborted when this process begins to end: streams of events are continued by another one then. @default never */
  readonly ending?: AbortSignal;
}

export const JOBS_OPTIONS = Symbol('jobs options');
