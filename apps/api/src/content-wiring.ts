import { BadRequestException } from '@nestjs/common';
import { keyspace, type KeyRef } from '@promptsales/cache-core';
import { IdentityRefusedError, type InvalidationOutbox, type KeyOfRequest } from '@promptsales/cache-management';
import {
  campaignHash,
  descriptionHash,
  MongoSource,
  readCampaignSearch,
  readSearchRequest,
  type ContentOptions,
} from '@promptsales/content';
import type { Environment } from '@promptsales/environment';
import { LexicalEmbedder } from '@promptsales/semantics';
import { tenantCallerOf } from './access/caller.js';

/** Needs nothing to be set up. */
const EMBEDDER = new LexicalEmbedder();

export function contentOptions({ database }: Environment, outbox: InvalidationOutbox): ContentOptions {
  const { mongoUrl } = database;
  return {
    callerOf: tenantCallerOf,
    outbox,
    embedder: EMBEDDER,
    ...(mongoUrl === null ? {} : { source: new MongoSource({ url: mongoUrl.reveal() }) }),
  };
}

/** By family: the key of a search, for whoever looks its result up. */
export const SEARCH_IDENTITIES: ReadonlyMap<string, KeyOfRequest> = new Map<string, KeyOfRequest>([
  [
    keyspace.contentSearch.id,
    keyOf((body, tenant) => {
      const hash = descriptionHash({ tenant, space: EMBEDDER.space }, readSearchRequest(body));
      return keyspace.contentSearch.at({ description_hash: hash }, tenant);
    }),
  ],
  [
    keyspace.contentSearchCampaign.id,
    keyOf((body, tenant) => {
      const { campanaId, ...search } = readCampaignSearch(body);
      const hash = campaignHash({ tenant, space: EMBEDDER.space }, campanaId, search);
      return keyspace.contentSearchCampaign.at({ campana_id: campanaId, query_hash: hash }, tenant);
    }),
  ],
]);

function keyOf(keyed: (body: unknown, tenant: string) => KeyRef): KeyOfRequest {
  return ({ body, asking }) => {
    try {
      return keyed(JSON.parse(body.toString()), tenantCallerOf(asking).tenant);
    } catch (error) {
      if (!(error instanceof BadRequestException)) throw error;
      const { detail } = error.getResponse() as { readonly detail: string };
      throw new IdentityRefusedError(detail, { cause: error });
    }
  };
}
