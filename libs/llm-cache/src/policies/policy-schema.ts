/** The OpenAPI schemas of policies. */
import { MAX_TTL_SECONDS } from '@promptsales/cache-core';
import { POLICY_MODES, POLICY_SHARES } from '../request/policy.js';
import { LARGEST_BUCKET, SEMANTIC_OFF } from './policy-body.js';

const MATCH_SCHEMA = {
  type: 'object' as const,
  additionalProperties: false,
  description:
    'Whose requests it is for; all of what is given must agree. The most specific policy wins: a key is narrower than a tenant, a tenant than a model, a model than a provider. Of two that match alike the one changed last wins.',
  properties: {
    provider: { type: 'string', example: 'openai' },
    model: { type: 'string', example: 'gpt-4o-mini' },
    tenant: { type: 'string' },
    key_id: { type: 'string' },
  },
};

const SEMANTIC_SCHEMA = {
  type: 'object' as const,
  additionalProperties: false,
  required: ['enabled'],
  description: 'Answers to questions that mean the same.',
  properties: {
    enabled: { type: 'boolean' },
    delta: {
      type: 'number',
      default: SEMANTIC_OFF.delta,
      description: 'Of the answers that are served so, at most this share may be wrong.',
    },
    embedder: {
      default: 'lexical',
      oneOf: [
        { type: 'string', enum: ['lexical'] },
        {
          type: 'object',
          additionalProperties: false,
          required: ['base_url', 'model'],
          properties: { base_url: { type: 'string', format: 'uri' }, model: { type: 'string' } },
        },
      ],
    },
  },
};

export const POLICY_SCHEMA = {
  type: 'object' as const,
  additionalProperties: false,
  required: ['mode'],
  properties: {
    match: MATCH_SCHEMA,
    mode: {
      type: 'string',
      enum: [...POLICY_MODES],
      description:
        '`all`: an identical request is an identical answer. `deterministic`: only with temperature 0 or a seed. `bucket`: several answers, served in rotation. `off`: nothing is read or kept.',
    },
    bucket: { type: 'integer', minimum: 1, maximum: LARGEST_BUCKET, description: 'With mode `bucket`: how many.' },
    ttl: { type: 'integer', minimum: 1, maximum: MAX_TTL_SECONDS, description: 'Seconds to keep an answer.' },
    share: {
      type: 'string',
      enum: [...POLICY_SHARES],
      default: 'tenant',
      description: 'Between whom an answer is shared.',
    },
    semantic: SEMANTIC_SCHEMA,
  },
};

export const POLICY_ANSWER_SCHEMA = {
  ...POLICY_SCHEMA,
  required: ['name', 'match', 'mode', 'share', 'semantic', 'created_at', 'updated_at'],
  properties: {
    name: { type: 'string', example: 'default' },
    ...POLICY_SCHEMA.properties,
    created_at: { type: 'string', format: 'date-time' },
    updated_at: { type: 'string', format: 'date-time' },
  },
};
