/** Role `llm`: what language models answered. Costly to have again, never wrong to lose. */
import { Type } from 'typebox';
import { Family } from '../family.js';
import { list } from '../values/collection-values.js';
import { hash, integerField, numberField, optional, textField } from '../values/hash-value.js';
import { moment, openObject } from '../values/moment-schema.js';
import { json, number } from '../values/string-values.js';
import { vector } from '../values/vector-value.js';

export const llmResponse = new Family({
  id: 'llm.response',
  pattern: 'llm_cache:{hash}',
  role: 'llm',
  description: 'Answer to one request: `hash` is the SHA-256 of the canonical request. zstd above the threshold.',
  value: json(
    Type.Intersect([
      Type.Object({
        response: Type.Unknown(),
        model: Type.Union([Type.String(), Type.Null()]),
        tokens: Type.Unknown(),
        timestamp: moment(),
      }),
      openObject(),
    ]),
  ),
  ttlSeconds: 604_800,
  ttlRange: { min: 86_400, max: 604_800 },
  ttlVariable: 'LLM_CACHE_TTL',
  compress: true,
});

export const llmEmbedding = new Family({
  id: 'llm.embedding',
  pattern: 'embedding:{text_hash}',
  role: 'llm',
  description: 'One embedding: a JSON array, or packed singles with a leading tag where packing loses nothing.',
  value: vector(),
  ttlSeconds: 604_800,
  ttlVariable: 'LLM_CACHE_TTL',
});

export const llmModelInfo = new Family({
  id: 'llm.model_info',
  pattern: 'model_info:{provider}:{model}',
  role: 'llm',
  description: 'Status of a model. `avg_response_time` is in seconds.',
  value: json(
    Type.Object({
      status: Type.String(),
      last_check: moment(),
      avg_response_time: Type.Union([Type.Number(), Type.Null()]),
    }),
  ),
  ttlSeconds: 3600,
});

/** Ours. */
export const llmModels = new Family({
  id: 'llm.models',
  pattern: 'llm_models:{hash}',
  role: 'llm',
  description: "A provider's list of models, or what it says of one, as one credential sees it.",
  value: json(openObject()),
  ttlSeconds: 60,
});

/** Ours. */
export const llmRotation = new Family({
  id: 'llm.rotation',
  pattern: 'llm_rotation:{hash}',
  role: 'llm',
  description: 'How often one request was asked of whose answers several are kept: whose turn it is.',
  value: number(Type.Integer()),
  ttlSeconds: 604_800,
  ttlRange: { min: 604_800, max: 604_800 },
  expiry: 'sliding',
  otherWriters: true,
  l1: false,
});

/** Ours. */
export const semanticServed = new Family({
  id: 'semantic.served',
  pattern: 'semantic:served:{id_hash}',
  role: 'llm',
  description: 'Which answer was served for another question, until its reader says whether it was right.',
  value: json(
    Type.Object({
      pool: Type.String(),
      pool_tenant: Type.String(),
      known_as: Type.Array(Type.String()),
      candidate: Type.String(),
    }),
  ),
  ttlSeconds: 86_400,
  l1: false,
});

export const aiGeneration = new Family({
  id: 'ai.generation',
  pattern: 'ai:generation:{model}:{prompt_hash}',
  role: 'llm',
  description: 'Text generated from one prompt.',
  value: json(
    Type.Object({
      content: Type.String(),
      tokens_used: Type.Union([Type.Integer(), Type.Null()]),
      cost_usd: Type.Union([Type.Number(), Type.Null()]),
      timestamp: moment(),
    }),
  ),
  ttlSeconds: 7200,
});

export const aiCampaignMessages = new Family({
  id: 'ai.campaign_messages',
  pattern: 'ai:campaign_messages:{campana_id}:{segmento_hash}',
  role: 'llm',
  description: 'The messages generated for one segment of a campaign, in order.',
  value: list(Type.Object({ numero: Type.Integer(), texto: Type.String(), tono: Type.String() })),
  ttlSeconds: 10_800,
  otherWriters: true,
});

export const aiGenerationMeta = new Family({
  id: 'ai.generation.meta',
  pattern: 'ai:generation:meta:{campana_id}:{segmento_hash}',
  role: 'llm',
  description: 'What the generation of those messages took.',
  value: hash({
    tokens_total: optional(integerField()),
    cost_total_usd: optional(numberField()),
    tiempo_total_ms: integerField(),
    segmentos_procesados: integerField(),
    fecha_generacion: textField(),
  }),
  ttlSeconds: 10_800,
  otherWriters: true,
});
