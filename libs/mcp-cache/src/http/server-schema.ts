/** The OpenAPI schemas of MCP servers. */
import { MAX_TTL_SECONDS } from '@promptsales/cache-core';
import { SHARES, TRUSTS } from '../servers/server-body.js';

const TEXTS = { type: 'object' as const, additionalProperties: { type: 'string' } };
const SECONDS = { type: 'integer', minimum: 1, maximum: MAX_TTL_SECONDS };
const PERMISSIONS = {
  type: 'object' as const,
  additionalProperties: {
    type: 'object' as const,
    additionalProperties: false,
    properties: {
      cache: { type: 'boolean', description: 'Its results are kept, where it declares that it only reads.' },
      force: { type: 'boolean', description: 'Also where it does not declare that.' },
      ttl: { ...SECONDS, nullable: true },
      accounting: {
        type: 'boolean',
        description: 'Its results say `tokens_used` or `cost_usd`, and lie in `mcp:tool`.',
      },
    },
  },
};

const COMMON = {
  trust: {
    type: 'string',
    enum: [...TRUSTS],
    default: 'private',
    description: '`public`: what the server calls public is shared by the whole tenant.',
  },
  share: {
    type: 'string',
    enum: [...SHARES],
    default: 'session',
    description: 'Within whom results are shared of which the server says nothing.',
  },
  tools: PERMISSIONS,
  prompts: PERMISSIONS,
  ttl_cap: { ...SECONDS, nullable: true, description: 'No result is kept longer.' },
};

export const SERVER_SCHEMA = {
  type: 'object' as const,
  additionalProperties: false,
  description: 'Either `url` (streamable HTTP) with `headers`, or `command` with `args` and `env`.',
  properties: {
    url: { type: 'string', format: 'uri', description: 'Shown as it is: secrets belong into `headers`.' },
    private_addresses: {
      type: 'boolean',
      default: false,
      description: 'The host, though its name looks public, may lead to private addresses.',
    },
    headers: { ...TEXTS, description: 'Sent with every request; stored encrypted and shown masked.' },
    command: { type: 'string', description: 'One that `MCP_STDIO_ALLOW` names, with the arguments that it names.' },
    args: {
      type: 'array',
      items: { type: 'string' },
      description: 'Shown as they are: secrets belong into `env`.',
    },
    env: { ...TEXTS, description: 'Stored encrypted and shown masked.' },
    ...COMMON,
  },
};

const STATUS = {
  type: 'object' as const,
  nullable: true,
  description: 'Null: nothing is known at the moment. Of a server of another tenant only its health is told.',
  properties: {
    status: { type: 'string', enum: ['healthy', 'unhealthy'] },
    last_health_check: { type: 'string', format: 'date-time' },
    requests_last_min: { type: 'integer' },
    avg_response_time: { type: 'number', description: 'Milliseconds.' },
    errors_last_hour: { type: 'integer' },
  },
};

export const SERVER_ANSWER_SCHEMA = {
  ...SERVER_SCHEMA,
  additionalProperties: true,
  required: ['name', 'tenant', 'trust', 'share', 'tools', 'prompts', 'ttl_cap', 'status', 'created_at', 'updated_at'],
  properties: {
    name: { type: 'string' },
    tenant: { type: 'string', description: 'Whose it is: yours, or `default`.' },
    ...SERVER_SCHEMA.properties,
    status: STATUS,
    created_at: { type: 'string', format: 'date-time' },
    updated_at: { type: 'string', format: 'date-time' },
  },
};
