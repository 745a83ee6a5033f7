import { checkEviction, explainEviction } from './eviction-policy.js';
import type { RedisFigures } from './redis-info.js';

const durable = [{ name: 'sessions', mayBeEvicted: false }];
const evictable = [{ name: 'llm', mayBeEvicted: true }];
const both = [...durable, ...evictable];

const server = (maxMemoryBytes: number | null, maxMemoryPolicy: string | null): RedisFigures => ({
  runId: 'r',
  version: '7.0.15',
  uptimeSeconds: 1,
  connectedClients: 1,
  usedMemoryBytes: 1,
  maxMemoryBytes,
  maxMemoryPolicy,
});

describe('checkEviction', () => {
  it.each([
    ['a server without a limit, whatever its policy', server(null, 'allkeys-lru'), both, 'safe'],
    ['evictable roles under the expected policy', server(1e9, 'allkeys-lru'), evictable, 'safe'],
    ['durable roles under noeviction', server(1e9, 'noeviction'), durable, 'safe'],
    ['durable roles where all keys may go', server(1e9, 'allkeys-lru'), both, 'unsafe'],
    ['durable roles where keys with a TTL may go', server(1e9, 'volatile-lru'), durable, 'unsafe'],
    ['evictable roles under another policy', server(1e9, 'volatile-ttl'), evictable, 'unexpected'],
    ['evictable roles under noeviction: writes would fail', server(1e9, 'noeviction'), evictable, 'unexpected'],
    ['a server that hides its policy', server(1e9, null), both, 'unknown'],
  ])('judges %s', (_name, figures, roles, kind) => {
    expect(checkEviction(figures, roles, 'allkeys-lru').kind).toBe(kind);
  });

  it('names the roles that are at risk and what to do', () => {
    const sentence = explainEviction(checkEviction(server(1e9, 'allkeys-lru'), both, 'allkeys-lru'));
    expect(sentence).toContain('sessions');
    expect(sentence).toContain('REDIS_URL_<ROLE>');
    expect(sentence).not.toContain('llm');
  });
});
