import { memoryUsagePercent, parseRedisInfo } from './redis-info.js';

const INFO = [
  '# Server',
  'redis_version:7.0.15',
  'run_id:abc',
  'uptime_in_seconds:17',
  '# Clients',
  'connected_clients:3',
  '# Memory',
  'used_memory:1048576',
  'maxmemory:4194304',
  'maxmemory_policy:allkeys-lru',
  '',
].join('\r\n');

describe('parseRedisInfo', () => {
  it('reads the figures of a server', () => {
    const figures = parseRedisInfo(INFO);
    expect(figures).toEqual({
      runId: 'abc',
      version: '7.0.15',
      uptimeSeconds: 17,
      connectedClients: 3,
      usedMemoryBytes: 1_048_576,
      maxMemoryBytes: 4_194_304,
      maxMemoryPolicy: 'allkeys-lru',
    });
    expect(memoryUsagePercent(figures)).toBe(25);
  });

  it('keeps unknown apart from zero', () => {
    const figures = parseRedisInfo('connected_clients:0\r\nmaxmemory:0\r\nused_memory:lots\r\n');
    expect(figures.connectedClients).toBe(0);
    expect(figures.maxMemoryBytes).toBeNull();
    expect(figures.usedMemoryBytes).toBeNull();
    expect(figures.version).toBeNull();
    expect(memoryUsagePercent(figures)).toBeNull();
  });
});
