/** What a key is for decides where it lives and whether the server may evict it. */
export type Role = 'sessions' | 'llm' | 'ratelimit' | 'analytics' | 'temp' | 'cache' | 'state';

export interface RoleTraits {
  /** The logical database of layout `databases`, unless `REDIS_DB_<ROLE>` moves it. */
  readonly database: number;
  readonly evictable: boolean;
  readonly holds: string;
}

export const ROLES: Readonly<Record<Role, RoleTraits>> = Object.freeze({
  sessions: { database: 0, evictable: false, holds: 'sessions, token blacklist, preferences' },
  llm: { database: 1, evictable: true, holds: 'LLM responses, embeddings, model info, generations' },
  ratelimit: { database: 2, evictable: false, holds: 'rate, token and IP counters' },
  analytics: { database: 3, evictable: false, holds: 'metrics, usage, leaderboards, dashboards' },
  temp: { database: 4, evictable: true, holds: 'exports, uploads' },
  cache: { database: 5, evictable: true, holds: 'API and MCP calls, content, configuration, business records' },
  state: { database: 6, evictable: false, holds: 'ETL watermarks, locks, queues, circuit breakers' },
});
