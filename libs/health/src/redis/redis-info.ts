/** What INFO says, in our units. Null is unknown: a figure that cannot be known is never given as 0. */
export interface RedisFigures {
  readonly runId: string | null;
  readonly version: string | null;
  readonly uptimeSeconds: number | null;
  readonly connectedClients: number | null;
  readonly usedMemoryBytes: number | null;
  /** Null when the server has no limit or does not say. */
  readonly maxMemoryBytes: number | null;
  readonly maxMemoryPolicy: string | null;
}

export function parseRedisInfo(info: string): RedisFigures {
  const fields = new Map<string, string>();
  for (const line of info.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const number = (name: string): number | null => {
    const text = fields.get(name);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
  };
  const maxMemory = number('maxmemory');
  return {
    runId: fields.get('run_id') ?? null,
    version: fields.get('redis_version') ?? null,
    uptimeSeconds: number('uptime_in_seconds'),
    connectedClients: number('connected_clients'),
    usedMemoryBytes: number('used_memory'),
    maxMemoryBytes: maxMemory === 0 ? null : maxMemory,
    maxMemoryPolicy: fields.get('maxmemory_policy') ?? null,
  };
}

/** Share of the limit in use, in percent with one decimal; null without a limit. */
export function memoryUsagePercent({ usedMemoryBytes, maxMemoryBytes }: RedisFigures): number | null {
  if (usedMemoryBytes === null || maxMemoryBytes === null) return null;
  return Math.round((usedMemoryBytes / maxMemoryBytes) * 1000) / 10;
}
