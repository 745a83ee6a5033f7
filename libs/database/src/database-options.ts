import type { MigrationSet } from './migrations/migration-set.js';
import type { StartClock } from './start/wait-for-database.js';

export interface DatabaseLog {
  info(line: string): void;
  warn(line: string): void;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Every library's own; none leaves the schema alone. */
  readonly migrations: readonly MigrationSet[];
  /** Seen in `pg_stat_activity`. @default 'promptsales' */
  readonly applicationName?: string;
  /** Regular connections of this process. @default 10 */
  readonly maxConnections?: number;
  /** Waiting for a connection. @default 2000 */
  readonly acquireTimeoutMs?: number;
  /** A query without a nearer deadline. @default 5000 */
  readonly queryTimeoutMs?: number;
  /** How long the server itself lets a statement run, whatever its client asks for. @default 30000 */
  readonly statementTimeoutMs?: number;
  /** A silence that makes us look whether the server is still there. @default 500 */
  readonly suspectAfterMs?: number;
  /** How long that look may take; without an answer the server counts as gone. @default 1500 */
  readonly probeTimeoutMs?: number;
  /** How often its return is looked for. @default 500 */
  readonly probeEveryMs?: number;
  /** How long an absent server is waited for at start. @default 30000 */
  readonly startLimitMs?: number;
  readonly log?: DatabaseLog;
  readonly clock?: StartClock;
}

export type ResolvedOptions = Required<Omit<DatabaseOptions, 'clock' | 'migrations'>> & {
  readonly where: string;
  readonly idleTimeoutMs: number;
  readonly controlConnections: number;
  readonly awaitedConnections: number;
};

interface NestLog {
  log(line: string): void;
  warn(line: string): void;
}

export function resolved(options: DatabaseOptions, nestLog: NestLog): ResolvedOptions {
  return Object.freeze({
    url: options.url,
    where: whereabouts(options.url),
    applicationName: options.applicationName ?? 'promptsales',
    maxConnections: options.maxConnections ?? 10,
    controlConnections: 2,
    // One works; another is opened only when that one hangs.
    awaitedConnections: 2,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 2000,
    queryTimeoutMs: options.queryTimeoutMs ?? 5000,
    statementTimeoutMs: options.statementTimeoutMs ?? 30_000,
    idleTimeoutMs: 30_000,
    suspectAfterMs: options.suspectAfterMs ?? 500,
    probeTimeoutMs: options.probeTimeoutMs ?? 1500,
    probeEveryMs: options.probeEveryMs ?? 500,
    startLimitMs: options.startLimitMs ?? 30_000,
    log: options.log ?? { info: (line) => nestLog.log(line), warn: (line) => nestLog.warn(line) },
  });
}

/** The parts of a connection string that may be printed. */
function whereabouts(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = hostname === '' ? (searchParams.get('host') ?? 'localhost') : hostname;
  return `${host}:${port === '' ? '5432' : port}${pathname}`;
}
