import { PROXIED_METHODS, PROXY_PATTERNS } from '@promptsales/call-cache';
import type { AccessRule, AccessTable } from '@promptsales/http-edge';

const open: AccessRule = { access: 'open' };
const optional: AccessRule = { access: 'optional' };
const anyKey: AccessRule = { access: 'key' };
/** One of them suffices. */
const scope = (...scopes: [string, ...string[]]): AccessRule => ({ access: 'scope', scopes });
/** The route speaks OpenAI's protocol, its refusals included. */
const openAi = (name: string): AccessRule => ({ access: 'scope', scopes: [name], errors: 'openai' });

/** The same for Anthropic's. */
const anthropic = (name: string): AccessRule => ({ access: 'scope', scopes: [name], errors: 'anthropic' });

/** Whatever may be done with a service. HEAD goes by GET's line. */
const PROXY_LINES: AccessTable = Object.fromEntries(
  PROXIED_METHODS.filter((method) => method !== 'HEAD').flatMap((method) =>
    PROXY_PATTERNS.map((pattern) => [`${method} ${pattern}`, scope('proxy')]),
  ),
);

/** The route speaks MCP. */
const mcp: AccessRule = { access: 'scope', scopes: ['mcp'], errors: 'jsonrpc' };

export interface AccessOptions {
  /** `/metrics` without a key, for a scraper inside a trusted network. */
  readonly metricsPublic: boolean;
}

/**
 * Who may call what: the one place that says so. A route that is not here stops the process at start; a line here without a
 * route fails a test.
 */
export function accessRules({ metricsPublic }: AccessOptions): AccessTable {
  return {
    'GET /health': optional,
    'GET /health/live': open,
    'GET /health/ready': open,
    'GET /health/redis': optional,
    'GET /metrics': metricsPublic ? open : anyKey,

    'GET /openapi.json': open,
    'GET /docs': open,
    'GET /docs/': open,
    'GET /docs/:asset': open,

    'GET /v1/keys': scope('admin'),
    'POST /v1/keys': scope('admin'),
    'GET /v1/keys/:id': scope('admin'),
    'DELETE /v1/keys/:id': scope('admin'),
    'GET /v1/audit': scope('admin'),

    'GET /v1/cache/:key': scope('cache'),
    'PUT /v1/cache/:key': scope('cache'),
    'DELETE /v1/cache/:key': scope('cache'),
    'POST /v1/cache/invalidate': scope('cache'),
    // `DELETE /api/cache` answers with operations, too.
    'GET /v1/cache/operations/:id': scope('cache', 'records'),
    'DELETE /v1/cache/operations/:id': scope('cache'),

    'GET /v1/keyspace': scope('cache'),
    'POST /v1/keyspace/identity': scope('cache'),
    'GET /v1/keyspace/families': anyKey,
    'GET /v1/keyspace/explain': scope('cache'),

    'GET /v1/jobs/:id': scope('jobs'),
    'GET /v1/jobs/:id/events': scope('jobs'),
    'GET /v1/queues/ai_generation': scope('jobs'),
    'POST /v1/queues/ai_generation': scope('jobs'),
    'GET /v1/queues/ai_generation/dead-letters': scope('jobs'),
    'POST /v1/queues/ai_generation/dead-letters/replay': scope('jobs'),
    'GET /v1/campaigns/:campana_id/messages': scope('jobs'),
    'POST /v1/campaigns/:campana_id/messages': scope('jobs'),

    'POST /v1/locks/:name': scope('jobs'),
    'PUT /v1/locks/:name': scope('jobs'),
    'DELETE /v1/locks/:name': scope('jobs'),
    'GET /v1/breakers': anyKey,
    'GET /v1/breakers/:service': anyKey,

    'GET /leads': scope('records'),
    'POST /leads': scope('records'),
    'POST /leads/import': scope('records'),
    'GET /leads/imports/:key': scope('records'),
    'GET /leads/:id': scope('records'),
    'PATCH /leads/:id': scope('records'),
    'DELETE /leads/:id': scope('records'),
    'GET /oportunidades': scope('records'),
    'POST /oportunidades': scope('records'),
    'POST /oportunidades/import': scope('records'),
    'GET /oportunidades/imports/:key': scope('records'),
    'GET /oportunidades/:id': scope('records'),
    'PATCH /oportunidades/:id': scope('records'),
    'DELETE /oportunidades/:id': scope('records'),

    'GET /v1/content/:content_id': scope('records'),
    'PUT /v1/content/:content_id': scope('records'),
    'DELETE /v1/content/:content_id': scope('records'),
    'POST /v1/content/search': scope('records'),
    'POST /v1/campaigns/:campana_id/content/search': scope('records'),

    'GET /api/providers': scope('records'),
    'GET /api/providers/:provider': scope('records'),
    'POST /api/providers/:provider': scope('records'),
    'DELETE /api/providers/:provider': scope('records'),
    'POST /api/providers/:provider/refresh': scope('records'),
    'GET /api/configurations/:key': scope('records'),
    'POST /api/configurations/:key': scope('records'),
    'DELETE /api/configurations/:key': scope('records'),
    'GET /api/cache/test': scope('records'),
    'GET /api/cache/stats': scope('records'),
    'DELETE /api/cache/:config_key': scope('records'),
    'DELETE /api/cache': scope('records'),
    'GET /v1/clients/:client_name/config': scope('records'),
    'PUT /v1/clients/:client_name/config': scope('records'),

    'GET /v1/services': scope('admin'),
    'GET /v1/services/:name': scope('admin'),
    'PUT /v1/services/:name': scope('admin'),
    'DELETE /v1/services/:name': scope('admin'),
    'POST /v1/surfsense/enrich': scope('proxy'),
    'GET /api/github/repositories': scope('records', 'proxy'),
    'POST /api/github/test': scope('records', 'proxy'),
    ...PROXY_LINES,

    'POST /v1/chat/completions': openAi('llm'),
    'POST /v1/embeddings': openAi('llm'),
    'POST /v1/responses': openAi('llm'),
    'GET /v1/responses/:response_id': openAi('llm'),
    'DELETE /v1/responses/:response_id': openAi('llm'),
    'POST /v1/responses/:response_id/cancel': openAi('llm'),
    'GET /v1/responses/:response_id/input_items': openAi('llm'),
    'POST /v1/completions': openAi('llm'),
    'POST /v1/images/generations': openAi('llm'),
    'GET /v1/models': { access: 'scope', scopes: ['llm'], errors: 'asked' },
    'GET /v1/models/:model': { access: 'scope', scopes: ['llm'], errors: 'asked' },
    'POST /v1/messages': anthropic('llm'),
    'POST /v1/messages/count_tokens': anthropic('llm'),

    'POST /v1/generations': scope('llm'),
    'GET /v1/models/info': scope('llm'),
    'GET /v1/models/info/:provider/:model': scope('llm'),

    'GET /v1/llm/policies': scope('admin'),
    'GET /v1/llm/policies/:name': scope('admin'),
    'PUT /v1/llm/policies/:name': scope('admin'),
    'DELETE /v1/llm/policies/:name': scope('admin'),

    'GET /mcp/:server': mcp,
    'POST /mcp/:server': mcp,
    'DELETE /mcp/:server': mcp,
    'GET /v1/mcp/servers': scope('mcp'),
    'GET /v1/mcp/servers/:name': scope('mcp'),
    'PUT /v1/mcp/servers/:name': scope('admin'),
    'DELETE /v1/mcp/servers/:name': scope('admin'),

    'POST /v1/feedback': scope('llm'),
    'GET /v1/savings': scope('analytics'),
    'GET /v1/savings/export': scope('analytics'),
    'GET /v1/savings/receipts/:id': scope('analytics'),
    'GET /v1/prices': scope('analytics'),
    'PUT /v1/prices': scope('admin'),
  };
}
