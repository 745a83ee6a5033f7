import type { Family, KeyRef } from '@promptsales/cache-core';
import type { FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';

/** What a change makes outdated. */
export interface OutdatedRecords {
  readonly keys?: readonly KeyRef[];
  readonly families?: readonly { readonly family: Family; readonly tenant: string }[];
}

/** Does work in a transaction in which it notes what the work outdates; that is invalidated before it resolves. */
export interface RecordsOutbox {
  committing<Tables, T>(
    work: (transaction: Transaction<Tables>, outdate: (outdated: OutdatedRecords) => Promise<void>) => Promise<T>,
  ): Promise<T>;
}

export interface RecordsOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => { readonly tenant: string };
  readonly outbox: RecordsOutbox;
  /** Who writes the tables: these routes, or a pipeline, and then these routes only read. */
  readonly owner: 'api' | 'etl';
}

export const RECORDS_OPTIONS = Symbol('records options');
