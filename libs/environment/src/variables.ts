import { address, list, network } from './list-kinds.js';
import { boolean, bytes, host, integer, keyPrefix, oneOf, word, words } from './scalar-kinds.js';
import { credential, encryptionKeys, password } from './secret-kinds.js';
import { baseUrl, mongoUrl, postgresUrl, redisUrl, storeUrl } from './url-kinds.js';
import { notYet, optional, perMember, required, withDefault } from './variable.js';

export const REDIS_ROLES = ['sessions', 'llm', 'ratelimit', 'analytics', 'temp', 'cache', 'state'] as const;
export type RedisRole = (typeof REDIS_ROLES)[number];

export const SCOPE_NAMES = [
  'llm',
  'mcp',
  'proxy',
  'records',
  'sessions',
  'limits',
  'analytics',
  'temp',
  'etl',
  'jobs',
  'cache',
  'admin',
] as const;

const YEAR_SECONDS = 365 * 86_400;
const DAY_MS = 86_400_000;
const ttl = integer(1, 10 * YEAR_SECONDS, 'seconds');
const freshness = integer(1, YEAR_SECONDS, 'seconds');
const port = integer(0, 65_535);

/**
 * Every variable that the platform reads. The typed environment, the errors, the near misses and
 * `docs/configuration.md` all follow from this table.
 */
export const VARIABLES = {
  api: {
    title: 'The API',
    variables: {
      host: withDefault('HOST', host, '127.0.0.1', 'Where the API listens; `0.0.0.0` or `::` for every interface.'),
      port: withDefault('PORT', port, '3000', 'The API’s port; 0 takes any free one, and the `ready` line says which.'),
      processes: notYet(
        withDefault('API_PROCESSES', integer(1, 256), '1', 'API processes on one host, behind one port.'),
        'start several with a PORT each behind a balancer',
      ),
      trustedProxies: withDefault('TRUSTED_PROXIES', optionalList(network), '', 'Whose `X-Forwarded-For` is believed.'),
      maxBodyBytes: withDefault(
        'MAX_BODY_BYTES',
        bytes(1024),
        '10MB',
        'The longest request body; a longer one is 413.',
      ),
      logLevel: withDefault(
        'LOG_LEVEL',
        oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
        'info',
        'The least severe lines that are logged.',
      ),
    },
  },
  identity: {
    title: 'Keys and access',
    variables: {
      adminApiKey: required(
        'ADMIN_API_KEY',
        credential,
        'The first key: all scopes, works without PostgreSQL.',
        'made by `npm start`',
      ),
      encryptionKeys: required(
        'ENCRYPTION_KEY',
        encryptionKeys,
        'Encrypts secrets at rest. A list rotates: the first encrypts, all decrypt.',
        'made by `npm start`',
      ),
      anonymousScopes: withDefault(
        'ANONYMOUS_SCOPES',
        optionalList(oneOf(...SCOPE_NAMES)),
        '',
        'Scopes of requests that bring no key, for front ends inside a trusted network.',
      ),
    },
  },
  redis: {
    title: 'Redis',
    variables: {
      url: optional(
        'REDIS_URL',
        redisUrl,
        'The server of every role without one of its own; a database number in it is role `cache`’s.',
        'a local server started by `npm start`',
      ),
      urlByRole: perMember('REDIS_URL_', '<ROLE>', REDIS_ROLES, redisUrl, 'The server of one role.'),
      clusterNodes: optional('REDIS_CLUSTER_NODES', list(address(6379)), 'Redis Cluster: nodes to begin from.'),
      sentinels: optional('REDIS_SENTINELS', list(address(26_379)), 'Redis Sentinel: who knows the primary.'),
      sentinelName: optional('REDIS_SENTINEL_NAME', word, 'Redis Sentinel: the name of the primary.'),
      sentinelPassword: optional(
        'REDIS_SENTINEL_PASSWORD',
        password,
        'Redis Sentinel: for the Sentinels themselves, where they want one.',
      ),
      password: optional('REDIS_PASSWORD', password, 'Where no URL carries one.'),
      tls: withDefault('REDIS_SSL', boolean, 'false', 'TLS to every node; `rediss://` switches it on for its own URL.'),
      maxConnections: withDefault(
        'REDIS_MAX_CONNECTIONS',
        integer(1, 10_000),
        '20',
        'The most that one process may open; it refuses to start where the roles’ servers and databases need more (two each: commands, subscriptions; a cluster counts as one, and takes a connection for each further primary).',
      ),
      retryOnTimeout: withDefault(
        'REDIS_RETRY_ON_TIMEOUT',
        boolean,
        'true',
        'Ask again after a time-out; only ever for idempotent reads.',
      ),
      commandTimeoutMs: withDefault(
        'REDIS_COMMAND_TIMEOUT_MS',
        integer(50, 10_000, 'milliseconds'),
        '500',
        'How long an answer of Redis is waited for before a request goes on without it; after two in a row that did not come, the connection is given up.',
      ),
      layout: optional(
        'REDIS_LAYOUT',
        oneOf('databases', 'single'),
        'A database for each role, or all roles in one.',
        '`databases`; `single` on a cluster',
      ),
      databaseByRole: perMember('REDIS_DB_', '<ROLE>', REDIS_ROLES, integer(0, 65_535), 'The database of one role.'),
      keyPrefix: withDefault('KEY_PREFIX', keyPrefix, '', 'Put before every key.'),
      maxMemoryPolicy: withDefault(
        'MAX_MEMORY_POLICY',
        oneOf(
          'noeviction',
          'allkeys-lru',
          'allkeys-lfu',
          'allkeys-lrm',
          'allkeys-random',
          'volatile-lru',
          'volatile-lfu',
          'volatile-lrm',
          'volatile-random',
          'volatile-ttl',
        ),
        'allkeys-lru',
        'Expected of servers that hold roles whose keys may be evicted and have a `maxmemory`.',
      ),
      memoryThresholdPercent: withDefault(
        'MEMORY_THRESHOLD_PERCENT',
        integer(1, 100),
        '80',
        'Memory use above which health warns.',
      ),
      alertOnHighMemory: withDefault(
        'ALERT_ON_HIGH_MEMORY',
        boolean,
        'true',
        'Whether memory use above the threshold counts as degraded.',
      ),
      requireSafeEviction: withDefault(
        'REQUIRE_SAFE_EVICTION',
        boolean,
        'false',
        'Refuse to start where roles that must not lose keys could be evicted; end when that is found later, of a server that was away.',
      ),
    },
  },
  ttl: {
    title: 'How long keys live',
    variables: {
      appValueSeconds: withDefault('REDIS_TTL', ttl, '3600', 'Default of `app:{key}`.'),
      sessionSeconds: withDefault('SESSION_TTL', ttl, '86400', 'Sessions and preferences.'),
      llmCacheSeconds: withDefault('LLM_CACHE_TTL', ttl, '604800', 'Responses of models.'),
      rateLimitSeconds: withDefault('RATE_LIMIT_TTL', ttl, '3600', 'Counters of an hour.'),
      analyticsSeconds: withDefault('ANALYTICS_TTL', ttl, '2592000', 'Metrics and usage.'),
      tempDataSeconds: withDefault('TEMP_DATA_TTL', ttl, '86400', 'Uploads and exports.'),
      secondsByFamily: perMember(
        'TTL_',
        '<FAMILY_ID>',
        null,
        ttl,
        'One family of the keyspace (dots as `_`); wins over the six above.',
      ),
    },
  },
  loading: {
    title: 'How values age and are loaded',
    variables: {
      freshSecondsByFamily: perMember(
        'CACHE_FRESH_',
        '<FAMILY_ID>',
        null,
        freshness,
        'After so long, inside its TTL, a value of the family is stale: served, while one process loads it anew.',
      ),
      graceSecondsByFamily: perMember(
        'CACHE_GRACE_',
        '<FAMILY_ID>',
        null,
        integer(0, YEAR_SECONDS, 'seconds'),
        'How long a stale value may serve; not given: to the end of its TTL.',
      ),
      loadTimeoutMsByFamily: perMember(
        'CACHE_LOAD_TIMEOUT_MS_',
        '<FAMILY_ID>',
        null,
        integer(1, DAY_MS, 'milliseconds'),
        'How long one load from the origin may take; not given: 30000.',
      ),
    },
  },
  memory: {
    title: 'The process’s own memory',
    variables: {
      l1MaxBytes: withDefault(
        'L1_MAX_BYTES',
        bytes(0),
        '64MiB',
        'What each process may keep of Redis in its own memory (L1, at most 1 s behind); 0 keeps nothing.',
      ),
    },
  },
  codec: {
    title: 'Compression and write-behind',
    variables: {
      compression: withDefault('ENABLE_COMPRESSION', boolean, 'true', 'zstd, in families that declare it.'),
      compressionThresholdBytes: withDefault(
        'COMPRESSION_THRESHOLD',
        bytes(0),
        '1024',
        'Values above it are compressed.',
      ),
      pipeline: withDefault(
        'ENABLE_PIPELINE',
        boolean,
        'true',
        'Lines of the ledger are written in batches; `false`: a statement for each.',
      ),
      pipelineSize: withDefault(
        'PIPELINE_SIZE',
        integer(1, 10_000),
        '100',
        'The most lines in one statement; so many are written at once, fewer within half a second.',
      ),
    },
  },
  database: {
    title: 'Databases',
    variables: {
      url: required(
        'DATABASE_URL',
        postgresUrl,
        'PostgreSQL: records, configuration, API keys, ledger, ETL target.',
        'a local server started by `npm start`',
      ),
      waitMs: withDefault(
        'DATABASE_WAIT_MS',
        integer(100, 60_000, 'milliseconds'),
        '2000',
        'How long a request waits for a connection to PostgreSQL, which counts as gone when it gives no sign of life for three quarters of that.',
      ),
      mongoUrl: optional('MONGO_URL', mongoUrl, 'The content source with vector search, when there is one.'),
    },
  },
  upstream: {
    title: 'Upstreams',
    variables: {
      openAiBaseUrl: optional('OPENAI_BASE_URL', baseUrl, 'As the official SDK takes it; most end in `/v1`.'),
      openAiApiKey: optional('OPENAI_API_KEY', credential, 'The credential for it.'),
      anthropicBaseUrl: optional('ANTHROPIC_BASE_URL', baseUrl, 'As the official SDK takes it, without `/v1`.'),
      anthropicApiKey: optional('ANTHROPIC_API_KEY', credential, 'The credential for it.'),
      timeoutMs: withDefault(
        'UPSTREAM_TIMEOUT_MS',
        integer(1, DAY_MS, 'milliseconds'),
        '600000',
        'A whole upstream call.',
      ),
      idleTimeoutMs: withDefault(
        'UPSTREAM_IDLE_TIMEOUT_MS',
        integer(1, DAY_MS, 'milliseconds'),
        '120000',
        'Silence inside a stream.',
      ),
      breakerFailures: withDefault(
        'UPSTREAM_BREAKER_FAILURES',
        integer(1, 1_000_000),
        '10',
        'So many failures in a row, and an upstream is not called for a while.',
      ),
      breakerFailurePercent: withDefault(
        'UPSTREAM_BREAKER_FAILURE_PERCENT',
        integer(1, 100),
        '50',
        'The same when so many in a hundred of its calls within 30 s have failed.',
      ),
      breakerMinimumCalls: withDefault(
        'UPSTREAM_BREAKER_MINIMUM_CALLS',
        integer(1, 1_000_000),
        '20',
        'Fewer calls than this within 30 s say nothing about that share.',
      ),
      breakerOpenSeconds: withDefault(
        'UPSTREAM_BREAKER_OPEN_SECONDS',
        integer(1, 120, 'seconds'),
        '5',
        'How long an upstream is left alone at first; each trial call that fails doubles it, up to 120.',
      ),
      simulated: withDefault(
        'SIMULATED_UPSTREAM',
        boolean,
        'false',
        'The upstream is the simulated provider, and everything that shows its answers says so. Set by `npm start` when no upstream is configured.',
      ),
    },
  },
  proxy: {
    title: 'Services behind `/proxy`',
    variables: {
      maxStoredBytes: withDefault(
        'PROXY_MAX_STORED_BYTES',
        bytes(0),
        '8MiB',
        'The longest body of an answer that is kept; a longer one is handed on as it comes.',
      ),
      maxRecordedBytes: withDefault(
        'PROXY_MAX_RECORDED_BYTES',
        bytes(1024 * 1024),
        '256MiB',
        'What all answers that are just coming, and are to be kept, may take of the process’s memory.',
      ),
    },
  },
  operations: {
    title: 'Operations',
    variables: {
      metrics: withDefault('ENABLE_METRICS', boolean, 'true', 'Prometheus metrics at `/metrics`.'),
      metricsPublic: withDefault('METRICS_PUBLIC', boolean, 'false', '`/metrics` without a key.'),
      healthCheckIntervalSeconds: withDefault(
        'HEALTH_CHECK_INTERVAL',
        integer(1, 3600, 'seconds'),
        '30',
        'How often dependencies are looked at.',
      ),
      workerPort: withDefault('WORKER_PORT', port, '3001', 'The worker’s own `/health/*` and `/metrics`; 0 for none.'),
      recordsOwner: withDefault(
        'RECORDS_OWNER',
        oneOf('api', 'etl'),
        'api',
        'Who writes leads and opportunities: the routes, or a pipeline (`etl`), and then the routes only read.',
      ),
      etlIntervalMinutes: notYet(
        withDefault('ETL_INTERVAL_MINUTES', integer(1, 1440, 'minutes'), '11', 'The worker’s cycle.'),
      ),
      mcpStdioAllow: withDefault(
        'MCP_STDIO_ALLOW',
        optionalList(words),
        '',
        'Commands that an MCP server may be started with, each alone or with the arguments that must come first; `node,npx` under `npm start`.',
      ),
    },
  },
  content: {
    title: 'Content',
    variables: {
      embedderBaseUrl: optional(
        'CONTENT_EMBEDDER_BASE_URL',
        baseUrl,
        'An OpenAI-compatible endpoint, most end in `/v1`, that makes the vectors of contents and searches.',
        'the built-in lexical embedder',
      ),
      embedderModel: optional('CONTENT_EMBEDDER_MODEL', word, 'The model that it is asked for.'),
      embedderApiKey: optional(
        'CONTENT_EMBEDDER_API_KEY',
        credential,
        'The credential for it, where it is none of the gateway’s upstreams.',
      ),
    },
  },
  jobs: {
    title: 'Jobs',
    variables: {
      concurrency: withDefault('JOBS_CONCURRENCY', integer(1, 256), '4', 'Jobs that one worker runs at a time.'),
      attempts: withDefault(
        'JOBS_ATTEMPTS',
        integer(1, 100),
        '5',
        'A job that failed so often is given up, and waits among the dead letters.',
      ),
      backoffMs: withDefault(
        'JOBS_BACKOFF_MS',
        integer(1, DAY_MS, 'milliseconds'),
        '1000',
        'Before the second attempt; twice that before each further one, five minutes at most.',
      ),
      stalledAfterMs: withDefault(
        'JOBS_STALLED_AFTER_MS',
        integer(500, DAY_MS, 'milliseconds'),
        '10000',
        'A worker that did not say for so long that it is there has lost its jobs to others.',
      ),
      completedRetentionDays: withDefault(
        'JOBS_COMPLETED_RETENTION_DAYS',
        integer(0, 36_500, 'days'),
        '30',
        'A completed job and its `Idempotency-Key` are forgotten after so long; its messages stay. 0: never.',
      ),
      deadRetentionDays: withDefault(
        'JOBS_DEAD_RETENTION_DAYS',
        integer(0, 36_500, 'days'),
        '90',
        'Dead letters are deleted after so long. 0: never.',
      ),
    },
  },
  temp: {
    title: 'Temporary storage',
    variables: {
      maxBytes: notYet(withDefault('TEMP_MAX_BYTES', bytes(1), '256MiB', 'The largest file.')),
      redisMaxBytes: notYet(
        withDefault('TEMP_REDIS_MAX_BYTES', bytes(0), '8MiB', 'Files above it leave Redis for the store.'),
      ),
      tenantQuotaBytes: notYet(withDefault('TEMP_TENANT_QUOTA_BYTES', bytes(1), '1GiB', 'All files of one tenant.')),
      store: notYet(withDefault('TEMP_STORE_URL', storeUrl, 'file:.local/temp', 'Where larger files go.')),
    },
  },
} as const;

/** A list whose default is to be empty. */
function optionalList<T>(item: Parameters<typeof list<T>>[0]): ReturnType<typeof list<T>> {
  const items = list(item);
  return { ...items, parse: (text) => (text === '' ? Object.freeze([]) : items.parse(text)) };
}
