/**
 * Who may read, write and remove the keys of each family by `/v1/cache/{key}`: the one place that says so. A family
 * without a line does not compile.
 *
 * The route itself wants the scope `cache`; what stands here is wanted beside it. A scope is that of whoever owns what the
 * key holds. `admin`: an operator's repair, which is audited. `never`: a write would break what the platform promises
 * of these keys, or a read would show a secret; `instead` says what to use.
 */
import { keyspace, ROLES, type Family } from '@promptsales/cache-core';

export type Act = 'read' | 'write' | 'remove';
/** The name of a scope, of which `cache` is the route's own. */
export type Right =
  | 'cache'
  | 'llm'
  | 'mcp'
  | 'proxy'
  | 'records'
  | 'sessions'
  | 'limits'
  | 'analytics'
  | 'temp'
  | 'etl'
  | 'jobs'
  | 'admin'
  | 'never';

export interface FamilyAccess {
  readonly read: Right;
  readonly write: Right;
  /** Of a cached family: as for `POST /v1/cache/invalidate`, unless it says otherwise. */
  readonly remove: Right;
  /** Why something is never done, and what does it. */
  readonly instead?: string;
}

/** Copies of what can be had again: to put one there is what the cache is for, and to remove one costs a miss. */
const copies = (scope: Right): FamilyAccess => ({ read: scope, write: scope, remove: 'cache' });
/** Copies of what somebody answers for: only an operator puts another there, until the next invalidation. */
const answeredFor = (scope: Right): FamilyAccess => ({ read: scope, write: 'admin', remove: 'cache' });
/** Copies that only their writer can put there in their form. */
const copiesOf = (scope: Right, instead: string): FamilyAccess => ({
  read: scope,
  write: 'never',
  remove: 'cache',
  instead,
});
const repairable = (scope: Right): FamilyAccess => ({ read: scope, write: 'admin', remove: 'admin' });
const guarded = (scope: Right, instead: string): FamilyAccess => ({
  read: scope,
  write: 'never',
  remove: 'never',
  instead,
});

const SECRETS = 'It holds secrets: use /api/configurations, which shows masks.';
const SESSIONS =
  'A session that was not begun, or was only removed here, would escape its own end: use /v1/sessions and /v1/users/{user_id}/sessions.';
const REVOKED = 'A token must not be revoked without its record, nor come back: use /v1/tokens/revoke.';
const SEMANTIC = 'The semantic tier counts by it what it may serve: say what was right at /v1/feedback.';
const LOCKS = 'It would have two holders: use /v1/locks/{name}.';
const MCP = 'The MCP gateway goes by it: see /v1/mcp/servers.';
const PRESENCE = 'Each process says itself that it is there.';
const RECEIPTS = 'It says what is to be given back, and ends by itself.';
const MANIFESTS = 'The bytes lie in keys of their own: use /v1/temp.';
const BREAKER = 'Part of its state lies beside the key: a breaker is moved by the calls behind it.';
const OPERATIONS = 'Processes agree by it on who carries an operation out: use /v1/cache/operations/{id}.';

const TABLE: Readonly<Record<keyof typeof keyspace, FamilyAccess>> = {
  apiCall: copies('proxy'),
  mcpCall: copies('mcp'),
  mcpTool: copies('mcp'),
  mcpServerStatus: copies('mcp'),
  mcpListener: guarded('mcp', MCP),
  mcpTraffic: guarded('mcp', MCP),
  surfsense: copies('proxy'),
  githubRepos: copies('proxy'),
  appValue: copies('cache'),
  testConnection: copies('cache'),
  contentById: copies('records'),
  contentSearch: copies('records'),
  contentSearchCampaign: copies('records'),
  configKey: { read: 'never', write: 'never', remove: 'cache', instead: SECRETS },
  configApi: answeredFor('records'),
  configClient: answeredFor('records'),
  lead: answeredFor('records'),
  oportunidad: answeredFor('records'),

  llmResponse: answeredFor('llm'),
  llmEmbedding: copies('llm'),
  llmModelInfo: copies('llm'),
  llmModels: answeredFor('llm'),
  llmRotation: repairable('llm'),
  semanticServed: guarded('never', SEMANTIC),
  aiGeneration: copies('llm'),
  aiCampaignMessages: copies('llm'),
  aiGenerationMeta: copies('llm'),

  session: guarded('sessions', SESSIONS),
  sessionToken: guarded('sessions', SESSIONS),
  blacklist: guarded('sessions', REVOKED),
  userPrefs: repairable('sessions'),

  ratelimitService: repairable('limits'),
  ratelimitClient: repairable('limits'),
  ratelimitMcp: repairable('limits'),
  ratelimitUserHour: repairable('limits'),
  ratelimitUserDay: repairable('limits'),
  ratelimitIp: repairable('limits'),
  ratelimitTokens: repairable('limits'),
  ratelimitAction: repairable('limits'),
  ratelimitReceipt: guarded('limits', RECEIPTS),
  ratelimitProcesses: guarded('limits', PRESENCE),
  ratelimitStrict: {
    read: 'limits',
    write: 'never',
    remove: 'admin',
    instead: 'It is the limiter’s own state: remove it.',
  },

  metricsContent: { read: 'analytics', write: 'analytics', remove: 'admin' },
  metricsClient: { read: 'analytics', write: 'analytics', remove: 'admin' },
  metricsHour: repairable('analytics'),
  metricsNamed: repairable('analytics'),
  metricsLabelled: repairable('analytics'),
  modelUsage: repairable('analytics'),
  revenue: repairable('analytics'),
  dashboardCampaign: { read: 'analytics', write: 'analytics', remove: 'admin' },
  leaderboardContent: repairable('analytics'),
  dashboardMetrics: { read: 'analytics', write: 'analytics', remove: 'analytics' },

  etlLastSyncTable: repairable('etl'),
  etlLastSyncCollection: repairable('etl'),
  lockContentGeneration: guarded('jobs', LOCKS),
  lockNamed: guarded('jobs', LOCKS),
  queueAiGeneration: repairable('jobs'),
  circuitBreaker: guarded('jobs', BREAKER),
  liveStream: guarded('never', 'It is an answer on its way to those who asked for it.'),
  semanticQuestions: guarded('never', SEMANTIC),
  semanticEvidence: guarded('never', SEMANTIC),
  cacheOperation: guarded('admin', OPERATIONS),
  cacheOperations: guarded('admin', OPERATIONS),

  tempExport: copiesOf('temp', MANIFESTS),
  tempUpload: copiesOf('temp', MANIFESTS),

  nestValue: copiesOf(
    'cache',
    'It is in the form of Nest’s cache module: write it there, or keep values of your own under app:{key}.',
  ),
};

const BY_ID: ReadonlyMap<string, FamilyAccess> = new Map(
  Object.entries(keyspace).map(([name, { id }]) => [id, TABLE[name as keyof typeof keyspace]]),
);

export function accessTo({ id }: Family): FamilyAccess {
  return BY_ID.get(id) as FamilyAccess;
}

/** Whether its keys are entries of the cache. What must not be lost is no cache, and nothing lies beside its keys. */
export function isCached({ role }: Family): boolean {
  return ROLES[role].evictable;
}
