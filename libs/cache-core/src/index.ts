// keyspace
export { KeyspaceError, type KeyspaceErrorCode, type ValueIssue } from './keyspace/keyspace-error.js';
export { ROLES, type Role, type RoleTraits } from './keyspace/roles.js';
export {
  DEFAULT_TENANT,
  Family,
  type Expiry,
  type FamilyDeclaration,
  type KeyRef,
  type TtlRange,
  type TtlVariable,
  type ValueOf,
} from './keyspace/family.js';
export { keyspace, catalogue, parseKey } from './keyspace/keyspace.js';
export { Catalogue, type ParsedKey } from './keyspace/catalogue.js';
export { Companion, companions, entryParts } from './keyspace/companion.js';
export { queueKeys } from './keyspace/queue-keys.js';
export { changeKeys } from './keyspace/change-keys.js';
export { VERSIONED_ROLES, versionKeys, type VersionKind } from './keyspace/version-key.js';
export { serviceTag } from './keyspace/service-tag.js';
export { kindOfKey, type KeyKind } from './keyspace/key-kind.js';
export { checkKeyPrefix, colocate, companionSubject, logicalKey, physicalKey } from './keyspace/physical-key.js';
export { placedKey } from './keyspace/placed-key.js';
export { decodeSegmentText, encodeSegmentText, LONGEST_SEGMENT_BYTES } from './keyspace/segment-text.js';
export { oneOf, type SegmentShape } from './keyspace/segment-shape.js';
export { normaliseCompanyName } from './keyspace/company-name.js';
export { dayHourText, dayMinuteText, dayText, hourText } from './keyspace/calendar.js';
export { resolveTtls, ttlVariableOf, ttlVariables, type TtlOverrides, type TtlTable } from './keyspace/ttl.js';
export type {
  HashContract,
  ListContract,
  RedisType,
  SortedSetContract,
  StreamContract,
  StringContract,
  ValueContract,
  ValueKind,
} from './keyspace/values/value-contract.js';

// codec
export { CodecError, type CodecErrorCode } from './codec/codec-error.js';
export { decode, encode, type DecodeOptions, type EncodeOptions } from './codec/codec.js';
export { fingerprint } from './codec/fingerprint.js';
export { Keyring } from './codec/keyring.js';

// request identity
export { BodyError, type BodyErrorCode } from './request-identity/body-error.js';
export { canonicalJson, type CanonicalText } from './request-identity/canonical-json.js';
export type { OmittedPath } from './request-identity/omissions.js';
export { tooDeepAt } from './request-identity/nesting.js';
export { ParsedBody, parseBody, type JsonValue } from './request-identity/parsed-body.js';
export { requestIdentity, type RequestParts } from './request-identity/request-identity.js';

// keys that cover what their loaders read
export { covered, type Keyed, type KeyedWork } from './key-coverage/key-coverage.js';
export { KeyCoverageError } from './key-coverage/key-coverage-error.js';

// Redis
export {
  DEFAULT_LINK_TIMES,
  type LinkState,
  type LinkTimes,
  type RecoveringPart,
  type RecoveryRun,
  type RedisLink,
  type RedisNode,
  type ScriptArgument,
} from './redis/link.js';
export { ClusterLink, type ClusterSettings } from './redis/cluster-link.js';
export { ServerLink, type LinkSettings } from './redis/server-link.js';
export { RedisConfigurationError, RedisUnavailableError, type RedisTrouble } from './redis/errors.js';
export { RedisRoles, type RedisAddress, type RedisHome, type RedisTopology } from './redis/roles.js';
export { loadScript, loadedScripts, type Script } from './redis/script.js';
export { Subscriptions, type Listener } from './redis/subscriptions.js';
export { Wake } from './redis/wake.js';

// how often something may be done
export { parseRate, RATE_FORM, type Rate } from './rate/rate.js';

// what HTTP callers say about caching, and are told
export {
  CacheControlError,
  MAX_TTL_SECONDS,
  NO_CACHE_CONTROLS,
  parseCacheControls,
  type CacheControls,
  type RequestHeaders,
} from './http-caching/cache-controls.js';
export {
  ageMsOf,
  type BypassReason,
  forwardedCacheHeaders,
  forwardingOf,
  hitCacheHeaders,
  semanticCacheHeaders,
  staleCacheHeaders,
  type CacheOutcome,
  type ResponseHeaders,
  type ForwardReason,
} from './http-caching/cache-headers.js';

// L1
export type { L1Status } from './l1/l1.js';
export type { L1Observer } from './l1/l1-observer.js';
export { DEFAULT_L1, type L1Settings } from './l1/settings.js';
export type { Emptied, FeedState } from './l1/change-feed.js';

// the cache protocol
export { Cache } from './cache/cache.js';
export { DEFAULT_CACHE, type CacheSettings } from './cache/settings.js';
export type { Filling } from './cache/storing.js';
export { absent, unchanged, type Absent, type Unchanged } from './cache/answers.js';
export { CacheAside } from './cache/cache-aside.js';
export type { Loaded, LoadOptions } from './cache/load-options.js';
export type { LoadMany } from './cache/load-batch.js';
export { conditionOf, type Condition, type FreshnessOptions } from './cache/freshness.js';
export type { LoadContext, Loader, Stale } from './cache/load.js';
export type { LoadBoundSettings } from './cache/load-bound.js';
export { LoadsExhaustedError, LoadTimeoutError } from './cache/load-errors.js';
export type { HoldOff, LoadingOptions } from './cache/loading-policy.js';
export { encodeValue, valueReading } from './cache/family-value.js';
export type { Flight } from './cache/flights.js';
export { follow as followLoad, type Following } from './cache/following.js';
export type { Entry, EntryLabels, Reading } from './cache/entry.js';
export type { Invalidation, InvalidationOptions } from './cache/invalidations.js';
export type { Hit } from './cache/judgement.js';
export type { LeftoverSettings } from './cache/leftovers.js';
export type { Leadership } from './cache/leadership.js';
export type { Lookup } from './cache/lookup.js';
export type { CacheObserver, FillResult, Unusable } from './cache/observer.js';
export type { Boardings, Opened, Sighting } from './cache/opening.js';
export type { Reservation } from './cache/reservations.js';
export type { Stored } from './cache/stored.js';
export { MOST_TAGS, type VersionPairs } from './cache/versions.js';

// values of families that are no cache
export { PlainValues, type PlainRead, type PlainSettings } from './plain/plain-values.js';

// what lies at a key, and why
export { explain, type Explanation, type SidecarFacts, type Verdict } from './explain/explain.js';
export { presenceOf, type Presence } from './explain/presence.js';

// how many keys there are, and what they take
export {
  DEFAULT_CENSUS,
  takeCensus,
  type Census,
  type CensusSettings,
  type Counted,
  type CountedPlace,
} from './census/census.js';
export { walkKeys, type WalkBounds, type WalkedNode } from './census/key-sample.js';

// invalidation by pattern
export { FamilyGlob } from './invalidation/family-glob.js';
export { GlobRefusedError, type GlobRefusal } from './invalidation/glob-refused-error.js';
export {
  InvalidationOperations,
  type Begun,
  type OperationsObserver,
  type OperationsSettings,
  type OperationView,
} from './invalidation/operations.js';
export type { OperationEnd } from './invalidation/running-operation.js';
export { TooManyOperationsError } from './invalidation/too-many-operations-error.js';
export type { StepObserver } from './invalidation/node-scan.js';
export type { NodeProgress, PatternProgress, PatternRun } from './invalidation/pattern-invalidation.js';

// locks
export type { FencedLock, FencingSource } from './locks/fencing.js';
export { HeldLock } from './locks/held-lock.js';
export { LockHeldError, LockLostError, LockUnavailableError } from './locks/lock-errors.js';
export type { LockEvent, LockObserver } from './locks/lock-observer.js';
export type { Extended, LockRef, Released } from './locks/lock-table.js';
export { Locks, type AcquireOptions, type LocksSettings } from './locks/locks.js';

// circuit breakers
export { Breaker, type BreakerView, type Permit } from './breakers/breaker.js';
export { BreakerOpenError } from './breakers/breaker-errors.js';
export type { BreakerObserver } from './breakers/breaker-observer.js';
export { DEFAULT_BREAKER, type BreakerSettings } from './breakers/breaker-settings.js';
export { Breakers, type BreakerReport, type BreakersSettings } from './breakers/breakers.js';
export { outcomeOfStatus, retryAfterMs, type CallOutcome } from './breakers/call-outcome.js';
export type { BreakerStatus } from './breakers/shared-breaker.js';

// Nest
export { CacheCoreModule, type CacheCoreAsyncOptions, type CacheCoreOptions } from './nest/cache-core.module.js';
export { Cacheable } from './nest/cacheable.decorator.js';
export { CachedCall } from './nest/cached-calls/cached-call.decorator.js';
export { CachedCallError, type CachedCallErrorCode } from './nest/cached-calls/cached-call-error.js';
export type { CachedCallOptions } from './nest/cached-calls/cached-call-options.js';
export { CacheEvict } from './nest/cache-evict.decorator.js';
export { SegmentShapeFilter } from './nest/segment-shape.filter.js';
export { cacheControlsOf, cachedAnswer, type CachedAnswer, type WantedAnswer } from './nest/cached-answer.js';
export { CachedRoute } from './nest/cached-route.decorator.js';
export { CacheAsideInterceptor } from './nest/cache-aside.interceptor.js';
export type { CacheableOptions, CacheEvictOptions, SegmentsFor } from './nest/cacheable-options.js';
export type { CachedRouteOptions, RequestInput } from './nest/cached-route-options.js';
export { KeyvStores, type KeyvStoreOptions } from './nest/cache-manager/keyv-stores.js';
export { KeyspaceKeyvAdapter } from './nest/cache-manager/keyspace-keyv-adapter.js';
export { NotKeptError } from './nest/cache-manager/keyspace-redis.js';
