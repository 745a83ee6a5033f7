/** Role `cache`: calls to APIs and MCP servers, content, configuration, business records. All of it can be had again. */
import { Type } from 'typebox';
import { Family } from '../family.js';
import { sortedSet } from '../values/collection-values.js';
import { booleanField, hash, integerField, jsonField, numberField, optional, textField } from '../values/hash-value.js';
import { moment, openObject } from '../values/moment-schema.js';
import { json } from '../values/string-values.js';

export const apiCall = new Family({
  id: 'api.call',
  pattern: 'api:call:{service}:{method}:{params_hash}',
  role: 'cache',
  description:
    "Answer of a REST service. `{method}` is the operation's configured name (`generateImage`), else the HTTP verb in lower case.",
  value: json(Type.Object({ response: Type.Unknown(), timestamp: moment(), status: Type.Integer() })),
  ttlSeconds: 3600,
});

export const mcpCall = new Family({
  id: 'mcp.call',
  pattern: 'mcp:call:{server}:{tool}:{params_hash}',
  role: 'cache',
  description: "Tool calls without accounting, and every other cacheable MCP method (the method's name as `{tool}`).",
  value: json(Type.Object({ result: Type.Array(Type.Unknown()), timestamp: moment() })),
  ttlSeconds: 3600,
  // Once a client has been told of a change, no process may answer with what was before it.
  l1: false,
});

export const mcpTool = new Family({
  id: 'mcp.tool',
  pattern: 'mcp:tool:{server}:{tool}:{params_hash}',
  role: 'cache',
  description: 'Tool calls with accounting: tokens, cost or segment are known.',
  value: hash({
    result: jsonField(Type.Unknown()),
    timestamp: textField(),
    tokens_used: optional(integerField()),
    cost_usd: optional(numberField()),
    segmento: optional(textField()),
  }),
  ttlSeconds: 1800,
  l1: false,
});

export const mcpServerStatus = new Family({
  id: 'mcp.server.status',
  pattern: 'mcp:server:status:{server_name}',
  role: 'cache',
  description: 'Health of an MCP server, refreshed by the worker. `avg_response_time` is in milliseconds.',
  value: hash({
    status: textField(),
    last_health_check: textField(),
    requests_last_min: integerField(),
    avg_response_time: numberField(),
    errors_last_hour: integerField(),
  }),
  ttlSeconds: 300,
});

export const surfsense = new Family({
  id: 'surfsense',
  pattern: 'surfsense:{empresa_normalizada}',
  role: 'cache',
  description:
    "Enrichment of one company. The company's name is folded: Unicode NFKC, accents, case; white space becomes `_`.",
  value: json(openObject()),
  ttlSeconds: 7200,
});

export const githubRepos = new Family({
  id: 'github.repos',
  pattern: 'github_repos:{user}',
  role: 'cache',
  description: 'Repositories of one GitHub user.',
  value: json(Type.Unknown()),
  ttlSeconds: 120,
});

export const appValue = new Family({
  id: 'app.value',
  pattern: 'app:{key}',
  role: 'cache',
  description: 'Anything an application wants to keep.',
  value: json(Type.Unknown()),
  ttlSeconds: 3600,
  ttlVariable: 'REDIS_TTL',
  otherWriters: true,
});

export const testConnection = new Family({
  id: 'test.connection',
  pattern: 'test:connection',
  role: 'cache',
  description: 'Result of the last connection test.',
  value: json(Type.Unknown()),
  ttlSeconds: 60,
  l1: false,
});

export const contentById = new Family({
  id: 'content.by_id',
  pattern: 'content:by_id:{content_id}',
  role: 'cache',
  description: 'One piece of generated content.',
  value: hash({
    campana_id: textField(),
    cliente_id: textField(),
    descripcion: textField(),
    hashtags: jsonField(Type.Array(Type.String())),
    url_almacenamiento: optional(textField()),
    url_thumbnail: optional(textField()),
    formato: textField(),
    aprobado: booleanField(),
    created_at: textField(),
  }),
  ttlSeconds: 7200,
  otherWriters: true,
});

export const contentSearch = new Family({
  id: 'content.search',
  pattern: 'content:search:{description_hash}',
  role: 'cache',
  description: 'Result of a search by description.',
  value: json(
    Type.Object({
      images: Type.Array(
        Type.Object({
          id: Type.String(),
          url: Type.String(),
          hashtags: Type.Array(Type.String()),
          score: Type.Number(),
        }),
      ),
      timestamp: moment(),
    }),
  ),
  ttlSeconds: 3600,
});

export const contentSearchCampaign = new Family({
  id: 'content.search.campaign',
  pattern: 'content:search:{campana_id}:{query_hash}',
  role: 'cache',
  description: 'Result of a search inside one campaign. Member: content id; score: similarity.',
  value: sortedSet('content id'),
  ttlSeconds: 3600,
});

export const configKey = new Family({
  id: 'config.key',
  pattern: 'config:{key}',
  role: 'cache',
  description: "One provider's or system's configuration. Secrets inside it are encrypted, each by itself.",
  value: json(openObject()),
  ttlSeconds: 300,
  l1: false,
  secretFields: ['token', 'api_key', 'password', 'secret', 'credentials'],
});

export const configApi = new Family({
  id: 'config.api',
  pattern: 'config:api:{provider_name}',
  role: 'cache',
  description: 'What applications need to know to call a provider. `rate_limit` as `500/minuto`.',
  value: hash({
    status: textField(),
    rate_limit: textField(),
    endpoints: jsonField(Type.Unknown()),
    last_updated: textField(),
  }),
  ttlSeconds: 3600,
  l1: false,
});

export const configClient = new Family({
  id: 'config.client',
  pattern: 'config:client:{client_name}',
  role: 'cache',
  description: 'What a client may call, and how often. Enforced by the MCP gateway while `estado` is `activo`.',
  value: hash({
    tools_acceso: jsonField(Type.Array(Type.String())),
    rate_limit: textField(),
    max_requests_hora: integerField(),
    estado: textField(),
  }),
  ttlSeconds: 3600,
  l1: false,
});

export const lead = new Family({
  id: 'lead',
  pattern: 'lead:{uuid}',
  role: 'cache',
  description: 'A lead. The truth is in PostgreSQL.',
  value: json(openObject()),
  ttlSeconds: 3600,
  // Nobody is served an older one than the last acknowledged change, by whichever process.
  l1: false,
});

export const oportunidad = new Family({
  id: 'oportunidad',
  pattern: 'oportunidad:{uuid}',
  role: 'cache',
  description: 'An opportunity. The truth is in PostgreSQL.',
  value: json(openObject()),
  ttlSeconds: 3600,
  // Nobody is served an older one than the last acknowledged change, by whichever process.
  l1: false,
});
