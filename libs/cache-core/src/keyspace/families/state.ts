/** Role `state`: watermarks, locks, queues, breakers, live streams. Never evicted. */
import { Type } from 'typebox';
import { Family } from '../family.js';
import { oneOf } from '../segment-shape.js';
import { list, sortedSet, stream } from '../values/collection-values.js';
import { booleanField, choiceField, hash, integerField, jsonField, optional, textField } from '../values/hash-value.js';
import { moment } from '../values/moment-schema.js';
import { json, text } from '../values/string-values.js';

/** Two cycles of 11 minutes. */
const WATERMARK_SECONDS = 1320;

export const etlLastSyncTable = new Family({
  id: 'etl.last_sync.table',
  pattern: 'etl:last_sync:{database}:{table}',
  role: 'state',
  description: 'Fast public copy of a watermark. `last_id` is a number when the key is an integer, else text.',
  value: json(
    Type.Object({
      last_id: Type.Union([Type.Integer(), Type.String(), Type.Null()]),
      last_timestamp: Type.Union([moment(), Type.Null()]),
      records_processed: Type.Integer(),
    }),
  ),
  ttlSeconds: WATERMARK_SECONDS,
});

export const etlLastSyncCollection = new Family({
  id: 'etl.last_sync.collection',
  pattern: 'etl:last_sync:{collection}',
  role: 'state',
  description: 'The same for a collection of documents.',
  value: hash({
    last_id: optional(textField()),
    last_timestamp: optional(textField()),
    records_processed: integerField(),
    sync_duration_ms: optional(integerField()),
  }),
  ttlSeconds: WATERMARK_SECONDS,
});

export const lockContentGeneration = new Family({
  id: 'lock.content_generation',
  pattern: 'lock:content_generation:{campana_id}',
  role: 'state',
  description: 'Held while a campaign is generated.',
  value: text('owner id (process)'),
  ttlSeconds: 30,
  ttlRange: { min: 1, max: 3600 },
  otherWriters: true,
});

/** Ours: what applications and the platform itself lock by a name of their own. */
export const lockNamed = new Family({
  id: 'lock.named',
  pattern: 'lock:{name}',
  role: 'state',
  description: 'A lock by a name that its users agree upon.',
  value: text('owner id'),
  ttlSeconds: 30,
  ttlRange: { min: 1, max: 3600 },
});

export const queueAiGeneration = new Family({
  id: 'queue.ai_generation',
  pattern: 'queue:ai_generation:{priority}',
  role: 'state',
  description: 'Jobs waiting, pushed on the left and taken from the right by priority.',
  segments: { priority: oneOf('high', 'normal', 'low') },
  value: list(Type.Object({ campana_id: Type.Union([Type.String(), Type.Number()]), segmento: Type.Unknown() })),
  ttlSeconds: null,
  otherWriters: true,
});

export const circuitBreaker = new Family({
  id: 'circuit.breaker',
  pattern: 'circuit:breaker:{service}',
  role: 'state',
  description: 'State of the breaker in front of a service, shared by all processes.',
  value: hash({
    status: choiceField('closed', 'open', 'half-open'),
    failures: integerField(),
    last_failure: optional(textField()),
    next_check: optional(textField()),
  }),
  ttlSeconds: 300,
  otherWriters: true,
});

/** Ours. It outlives the longest upstream call (UPSTREAM_TIMEOUT_MS, 600 s) by a minute. */
export const liveStream = new Family({
  id: 'live.stream',
  pattern: 'live:{flight}',
  role: 'state',
  description: 'Frames of an answer that is still being received, for followers in other processes.',
  value: stream('kind', 'delta_ms', 'data'),
  ttlSeconds: 660,
});

/** Ours. Which questions have been answered in one partition of the semantic tier: everything but their own words is equal. */
export const semanticQuestions = new Family({
  id: 'semantic.questions',
  pattern: 'semantic:questions:{partition_hash}',
  role: 'state',
  description:
    'Questions of one partition of the semantic tier, the latest ones: `answer` is the hash of an `llm_cache` key.',
  value: stream('answer', 'text', 'vector'),
  ttlSeconds: 604_800,
});

/** Ours. */
export const semanticEvidence = new Family({
  id: 'semantic.evidence',
  pattern: 'semantic:evidence:{pool_hash}',
  role: 'state',
  description:
    'Whether answers to other questions were right, as it was found out: the latest observations of one pool.',
  value: stream('observation'),
  ttlSeconds: 604_800,
});

/** Ours. See `invalidation/operations.ts`. */
export const cacheOperation = new Family({
  id: 'cache.operation',
  pattern: 'cache_operation:{id}',
  role: 'state',
  description: 'An invalidation by pattern: what it is to remove, how far it has come and which process is at it.',
  value: hash({
    tenant: textField(),
    pattern: textField(),
    dry_run: booleanField(),
    state: choiceField('running', 'cancelling', 'done', 'cancelled', 'failed'),
    progress: jsonField(
      Type.Object({
        scanned: Type.Integer(),
        deleted: Type.Integer(),
        nodes: Type.Array(Type.Object({ node: Type.String(), scanned: Type.Integer(), deleted: Type.Integer() })),
        sample: Type.Array(Type.String()),
      }),
    ),
    started_at: textField(),
    updated_at: textField(),
    ended_at: optional(textField()),
    owner: textField(),
    owned_until_ms: integerField(),
    deleted_beside: optional(integerField()),
  }),
  ttlSeconds: 86_400,
});

/** Ours. Which operations whoever has time for it should look after. */
export const cacheOperations = new Family({
  id: 'cache.operations',
  pattern: 'cache_operations:{state}',
  role: 'state',
  description: 'Keys of operations that have not ended; score: when they began, in milliseconds since the epoch.',
  segments: { state: oneOf('open') },
  value: sortedSet('key of a cache.operation'),
  ttlSeconds: 86_400,
});

/** Ours. See the gateway's `caching/listeners.ts`. */
export const mcpListener = new Family({
  id: 'mcp.listener',
  pattern: 'mcp:listener:{scope_hash}',
  role: 'state',
  description: 'Somebody listens to what an MCP server tells of changes, on behalf of those who share its lists.',
  value: text('since when it is known, ISO 8601 UTC'),
  ttlSeconds: 6,
});

/** Ours. One minute of an MCP server; its status is made of the latest sixty. */
export const mcpTraffic = new Family({
  id: 'mcp.traffic',
  pattern: 'mcp:traffic:{server_name}:{yyyy-mm-dd-HH-MM}',
  role: 'state',
  description: 'What an MCP server was asked in one minute. `total_ms` is how long its answers took together.',
  value: hash({ requests: integerField(), errors: integerField(), total_ms: integerField() }),
  ttlSeconds: 7200,
});
