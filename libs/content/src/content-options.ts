import type { Family, KeyRef } from '@promptsales/cache-core';
import type { Embedder } from '@promptsales/semantics';
import type { FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';
import type { VectorSource } from './search/vector-source.js';

/** What a change makes outdated. */
export interface OutdatedContent {
  readonly keys?: readonly KeyRef[];
  readonly families?: readonly { readonly family: Family; readonly tenant: string }[];
}

/** Does work in a transaction in which it notes what the work outdates; that is invalidated before it resolves. */
export interface ContentOutbox {
  committing<Tables, T>(
    work: (transaction: Transaction<Tables>, outdate: (outdated: OutdatedContent) => Promise<void>) => Promise<T>,
  ): Promise<T>;
}

/** An embedder for each tenant, all of one space: where what it costs is booked. */
export interface TenantEmbedders {
  readonly space: string;
  of(tenant: string): Embedder;
}

export interface ContentOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => { readonly tenant: string };
  readonly outbox: ContentOutbox;
  /** Where vectors come from. @default the built-in lexical one */
  readonly embedder?: Embedder | TenantEmbedders;
  /** Where it is searched. @default PostgreSQL, by pgvector where that is installed */
  readonly source?: VectorSource;
}

export const CONTENT_OPTIONS = Symbol('content options');
