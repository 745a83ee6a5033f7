import type { FastifyRequest } from 'fastify';

export interface JobsOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => { readonly tenant: string };
  readonly keyPrefix: string;
}

export const JOBS_OPTIONS = Symbol('jobs options');
