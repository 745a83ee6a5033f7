import type { Cache, RedisRoles } from '@promptsales/cache-core';
import type { MetricsRegistry } from '@promptsales/health';

/** Whether requests are sent to Redis, by connection: 0 is what an open breaker looks like from outside. */
export function measureRedis(metrics: MetricsRegistry, roles: RedisRoles): void {
  const up = metrics.gauge(
    'redis_link_up',
    'Whether requests are sent over this connection (1) or it is taken out of use (0)',
    ['link'],
  );
  const changes = metrics.counter('redis_link_changes_total', 'Changes of a connection, by what it became', [
    'link',
    'state',
  ]);
  for (const link of roles.links()) {
    up.set({ link: link.name }, link.up ? 1 : 0);
    link.on('state', (state) => {
      up.set({ link: link.name }, state === 'up' ? 1 : 0);
      changes.inc({ link: link.name, state });
    });
  }
}

/** What the process keeps in its own memory, and whether it may serve it. */
export function measureL1(metrics: MetricsRegistry, cache: Cache): void {
  metrics.gauge('cache_l1_bytes', 'Bytes that entries take in L1', [], () => cache.l1Status?.bytes ?? 0);
  metrics.gauge('cache_l1_entries', 'Entries in L1', [], () => cache.l1Status?.entries ?? 0);
  metrics.gauge(
    'cache_l1_untracked_servers',
    'Servers that do not tell of changes at present: nothing of theirs is kept or served',
    [],
    () => cache.l1Status?.servers.filter(({ state }) => state !== 'tracking').length ?? 0,
  );
}
