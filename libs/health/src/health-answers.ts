import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { RedisReport, RedisServerReport } from './redis/redis-health.js';

const STATES = ['healthy', 'degraded', 'unhealthy'] as const;
type State = (typeof STATES)[number];
const CONNECTION = ['connected', 'disconnected'] as const;
type Connection = (typeof CONNECTION)[number];
const UPSTREAM = ['simulated', 'configured', 'none'] as const;
type Upstream = (typeof UPSTREAM)[number];

export class HealthAnswer {
  @ApiProperty({ enum: STATES })
  status!: State;

  @ApiProperty({ enum: CONNECTION })
  database!: Connection;

  @ApiProperty({ enum: CONNECTION })
  redis!: Connection;

  @ApiProperty({ enum: UPSTREAM, description: 'Where completions come from; "simulated" answers are made up' })
  upstream!: Upstream;

  @ApiProperty({ format: 'date-time', type: String })
  timestamp!: string;

  @ApiPropertyOptional({ description: 'With a key: which process answered' })
  service?: string;

  @ApiPropertyOptional({ description: 'With a key' })
  version?: string;

  @ApiPropertyOptional({ enum: ['starting', 'ready', 'draining'], description: 'With a key' })
  phase?: string;

  @ApiPropertyOptional({ description: 'With a key' })
  uptime_seconds?: number;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'With a key: by part' })
  details?: Record<string, unknown>;
}

export class LiveAnswer {
  @ApiProperty({ enum: ['alive'] })
  status!: 'alive';
}

export class ReadyAnswer {
  @ApiProperty({ enum: ['starting', 'ready', 'draining'] })
  status!: 'starting' | 'ready' | 'draining';

  @ApiPropertyOptional({ enum: STATES })
  health?: State;

  @ApiPropertyOptional({ enum: CONNECTION })
  database?: Connection;

  @ApiPropertyOptional({ enum: CONNECTION })
  redis?: Connection;

  @ApiPropertyOptional({ enum: UPSTREAM })
  upstream?: Upstream;
}

export class RedisServerAnswer {
  @ApiProperty({ type: [String] })
  roles!: string[];

  @ApiProperty({ type: Number })
  ping_time_ms!: number;

  @ApiProperty({ type: Number, nullable: true, description: 'Null when the server has no limit' })
  memory_usage_percent!: number | null;

  @ApiProperty({ type: Number, nullable: true })
  used_memory_mb!: number | null;

  @ApiProperty({ type: Number, nullable: true })
  connected_clients!: number | null;

  @ApiProperty({ type: String, nullable: true })
  redis_version!: string | null;

  @ApiProperty({ type: Number, nullable: true })
  uptime_seconds!: number | null;

  @ApiProperty({ type: String, nullable: true })
  maxmemory_policy!: string | null;

  @ApiProperty({ enum: ['safe', 'unknown', 'unsafe', 'unexpected'] })
  eviction!: string;
}

export class RedisHealthAnswer {
  @ApiProperty({ enum: STATES })
  status!: State;

  @ApiProperty({ format: 'date-time', type: String })
  timestamp!: string;

  @ApiPropertyOptional({ description: 'What is wrong, when something is' })
  error?: string;

  @ApiProperty({ type: Number, nullable: true, description: 'The slowest server; null when none answered' })
  ping_time_ms!: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    description: 'With a key: the fullest server; null when none has a limit',
  })
  memory_usage_percent?: number | null;

  @ApiPropertyOptional({ type: Number, nullable: true, description: 'With a key: all servers together' })
  used_memory_mb?: number | null;

  @ApiPropertyOptional({ type: Number, nullable: true, description: 'With a key: all servers together' })
  connected_clients?: number | null;

  @ApiPropertyOptional({ type: String, nullable: true, description: 'With a key: of the first server' })
  redis_version?: string | null;

  @ApiPropertyOptional({ type: Number, nullable: true, description: 'With a key: of the server that started last' })
  uptime_seconds?: number | null;

  @ApiPropertyOptional({ type: [RedisServerAnswer], description: 'With a key: each server' })
  servers?: RedisServerAnswer[];
}

/** The report as sent. Reasons can name hosts, so that a stranger only learns that something is wrong. */
export function redisHealthAnswer(report: RedisReport, withDetails: boolean): RedisHealthAnswer {
  const { servers, troubles } = report;
  const status = report.state === 'disconnected' ? 'unhealthy' : troubles.length > 0 ? 'degraded' : 'healthy';
  const error = withDetails ? troubles.join('; ') : publicError(status);
  const open = {
    status,
    timestamp: report.at.toISOString(),
    ...(status === 'healthy' ? {} : { error }),
    ping_time_ms: most(servers.map((server) => server.pingMs)),
  } as const;
  if (!withDetails) return open;
  return {
    ...open,
    memory_usage_percent: most(known(servers.map((server) => server.memoryPercent))),
    used_memory_mb: total(servers.map((server) => megabytes(server.figures.usedMemoryBytes))),
    connected_clients: total(servers.map((server) => server.figures.connectedClients)),
    redis_version: servers[0]?.figures.version ?? null,
    uptime_seconds: least(known(servers.map((server) => server.figures.uptimeSeconds))),
    servers: servers.map(serverAnswer),
  };
}

function serverAnswer(server: RedisServerReport): RedisServerAnswer {
  return {
    roles: [...server.roles],
    ping_time_ms: server.pingMs,
    memory_usage_percent: server.memoryPercent,
    used_memory_mb: megabytes(server.figures.usedMemoryBytes),
    connected_clients: server.figures.connectedClients,
    redis_version: server.figures.version,
    uptime_seconds: server.figures.uptimeSeconds,
    maxmemory_policy: server.figures.maxMemoryPolicy,
    eviction: server.eviction.kind,
  };
}

function publicError(status: State): string {
  return status === 'unhealthy' ? 'Redis cannot be reached' : 'Redis answers, with something to attend to';
}

function megabytes(bytes: number | null): number | null {
  return bytes === null ? null : Math.round((bytes / (1024 * 1024)) * 100) / 100;
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function most(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

function least(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.min(...values);
}

/** Null when a part of it is unknown: a sum without it would be too small and look right. */
function total(values: readonly (number | null)[]): number | null {
  const all = known(values);
  if (all.length === 0 || all.length < values.length) return null;
  return Math.round(all.reduce((sum, value) => sum + value, 0) * 100) / 100;
}
