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
import { Embedders, type EmbeddingEndpoint, type Ledger, type UpstreamDirectory } from '@promptsales/llm-cache';
import { LexicalEmbedder, OpenAiEmbedder } from '@promptsales/semantics';
import { hash } from 'node:crypto';
import { tenantCallerOf } from './access/caller.js';

const LEXICAL = new LexicalEmbedder();
/** A search waits for it, and as long as that is called off before the next one tries. */
const EMBEDDER = { timeoutMs: 10_000, restMs: 10_000, route: 'content' } as const;
/** In the ledger, vectors of content are a client of their own. */
const CLIENT = 'content';

interface ContentParts {
  readonly environment: Environment;
  readonly outbox: InvalidationOutbox;
  readonly ledger: Ledger;
  readonly upstreams: UpstreamDirectory;
}

export function contentOptions(parts: ContentParts): ContentOptions {
  const { mongoUrl } = parts.environment.database;
  return {
    callerOf: tenantCallerOf,
    outbox: parts.outbox,
    embedder: embedderOf(parts),
    ...(mongoUrl === null ? {} : { source: new MongoSource({ url: mongoUrl.reveal() }) }),
  };
}

/** The endpoint that is named, each call booked to its tenant; else the built-in one, which needs nothing. */
function embedderOf({ environment, ledger, upstreams }: ContentParts): NonNullable<ContentOptions['embedder']> {
  const endpoint = endpointIn(environment);
  if (endpoint === null) return LEXICAL;
  const embedders = new Embedders(upstreams, ledger, EMBEDDER);
  const nobody = { userId: null, clienteId: null, campanaId: null, segmento: null };
  const space = spaceOf(environment);
  const identity = hash('sha256', space, 'hex');
  return {
    space,
    of: (tenant) => embedders.of(endpoint, { ...nobody, tenant, keyId: CLIENT, client: CLIENT }, identity),
  };
}

function endpointIn({ content }: Environment): EmbeddingEndpoint | null {
  const { embedderBaseUrl: baseUrl, embedderModel: model, embedderApiKey: apiKey } = content;
  return baseUrl === null || model === null ? null : { baseUrl, model, apiKey: apiKey?.reveal() ?? null };
}

function spaceOf(environment: Environment): string {
  const endpoint = endpointIn(environment);
  return endpoint === null ? LEXICAL.space : new OpenAiEmbedder(endpoint).space;
}

/** By family: the key of a search, for whoever looks its result up. */
export function searchIdentities(environment: Environment): ReadonlyMap<string, KeyOfRequest> {
  const space = spaceOf(environment);
  return new Map<string, KeyOfRequest>([
    [
      keyspace.contentSearch.id,
      keyOf((body, tenant) => {
        const descriptionIs = descriptionHash({ tenant, space }, readSearchRequest(body));
        return keyspace.contentSearch.at({ description_hash: descriptionIs }, tenant);
      }),
    ],
    [
      keyspace.contentSearchCampaign.id,
      keyOf((body, tenant) => {
        const { campanaId, ...search } = readCampaignSearch(body);
        const queryIs = campaignHash({ tenant, space }, campanaId, search);
        return keyspace.contentSearchCampaign.at({ campana_id: campanaId, query_hash: queryIs }, tenant);
      }),
    ],
  ]);
}

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
