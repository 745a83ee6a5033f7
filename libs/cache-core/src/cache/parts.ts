import type { RedisRoles } from '../redis/roles.js';
import type { Flights } from './flights.js';
import type { LoadingPolicies } from './loading-policy.js';
import type { CacheObserver } from './observer.js';
import type { OwnMemory } from './own-memory.js';
import type { CacheSettings } from './settings.js';

/** What the parts of one cache share. */
export interface CacheParts {
  readonly roles: RedisRoles;
  readonly settings: CacheSettings;
  readonly observer: CacheObserver;
  readonly flights: Flights;
  readonly memory: OwnMemory;
  readonly policies: LoadingPolicies;
}
