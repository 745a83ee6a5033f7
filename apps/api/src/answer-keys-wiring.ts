import { keyspace, KeyspaceError, type KeyRef } from '@promptsales/cache-core';
import { CallKeyError, keyOfCall, type ServiceSource } from '@promptsales/call-cache';
import { IdentityRefusedError, type KeyOfRequest } from '@promptsales/cache-management';
import {
  attributionOf,
  GenerationRequestError,
  LlmError,
  type AnswerKeys,
  type KeyedRequest,
} from '@promptsales/llm-cache';
import { generationRequest, segmentoHash, UnusableRequestError } from '@promptsales/jobs';
import { callerOf, tenantCallerOf } from './access/caller.js';

/** By family: the identity of a request by whoever answers it, for who looks its answer up by key. */
export function identitiesOf(keys: AnswerKeys, services: ServiceSource): ReadonlyMap<string, KeyOfRequest> {
  return new Map([
    [keyspace.llmResponse.id, keyOf((request) => keys.keyOf(request))],
    [keyspace.llmEmbedding.id, keyOf((request) => keys.keyOfEmbedding(request))],
    [keyspace.aiGeneration.id, keyOf((request) => keys.keyOfGeneration(request))],
    [keyspace.aiCampaignMessages.id, keyOfSegment(keyspace.aiCampaignMessages)],
    [keyspace.aiGenerationMeta.id, keyOfSegment(keyspace.aiGenerationMeta)],
    [keyspace.apiCall.id, keyOfProxied(services)],
  ]);
}

function keyOf(keyed: (request: KeyedRequest) => KeyRef): KeyOfRequest {
  return ({ asking, ...request }) => {
    try {
      return keyed({ ...request, headers: asking.headers, caller: attributionOf(callerOf(asking)) });
    } catch (error) {
      if (error instanceof LlmError || error instanceof GenerationRequestError)
        throw new IdentityRefusedError(error.message, { cause: error });
      throw error;
    }
  };
}

/** Where the messages of a segment are: the request is what would be pushed to the intake. */
function keyOfSegment(family: typeof keyspace.aiCampaignMessages | typeof keyspace.aiGenerationMeta): KeyOfRequest {
  return ({ body, asking }) => {
    try {
      const { tenant } = callerOf(asking);
      const request = generationRequest(JSON.parse(body.toString()));
      const segments = { campana_id: request.campanaId, segmento_hash: segmentoHash(tenant, request) };
      return family.at(segments, tenant);
    } catch (error) {
      if (!(error instanceof UnusableRequestError)) throw error;
      throw new IdentityRefusedError(error.message, { cause: error });
    }
  };
}

/** Of a call through the proxy. Who knows the hash of another one names the segments, as in other families. */
function keyOfProxied(services: ServiceSource): KeyOfRequest {
  return ({ body, asking }) => {
    const request: unknown = JSON.parse(body.toString());
    const { tenant } = tenantCallerOf(asking);
    try {
      if (Object.hasOwn(request as object, 'params_hash'))
        return keyspace.apiCall.at(request as { service: string; method: string; params_hash: string }, tenant);
      return keyOfCall(services, { tenant, namespace: String(asking.headers['x-cache-namespace'] ?? ''), request });
    } catch (error) {
      if (error instanceof CallKeyError || error instanceof KeyspaceError)
        throw new IdentityRefusedError(error.message, { cause: error });
      throw error;
    }
  };
}
