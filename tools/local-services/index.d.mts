/** Types of the dependency-free modules beside this file, for the TypeScript that uses them. */
export interface RedisBinary {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly origin: string;
}

export interface LocalServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly logFile: string;
  /** Whether it is at work: neither ended nor frozen. */
  readonly runs: boolean;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: Error }>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  restart(): Promise<this>;
}

export type LocalRedis = LocalServer;
export type LocalPostgres = LocalServer;

export interface PostgresBinary {
  readonly bin: string;
  readonly user: { readonly uid?: number; readonly gid?: number };
  readonly version: string;
}

export class RedisNotFoundError extends Error {
  readonly code: 'redis_not_found';
}
export class PostgresNotFoundError extends Error {
  readonly code: 'postgres_not_found';
}

export function findRedis(options: { localDirectory: string; report?: (line: string) => void }): Promise<RedisBinary>;
export function findRedisCli(options: {
  localDirectory: string;
  report?: (line: string) => void;
}): Promise<RedisBinary>;
export function startRedisServer(
  binary: RedisBinary,
  options: {
    directory: string;
    port?: number;
    appendOnly?: boolean;
    databases?: number;
    args?: readonly string[];
    configFile?: string;
    logFile?: string;
    temporary?: boolean;
  },
): Promise<LocalRedis>;
export function endOrphanedRedis(directory: string): Promise<boolean>;

export function findPostgres(options?: { report?: (line: string) => void }): Promise<PostgresBinary>;
export function startPostgresServer(
  binary: PostgresBinary,
  options: {
    directory: string;
    password: string;
    database?: string;
    port?: number;
    settings?: Readonly<Record<string, string | number>>;
    logFile?: string;
    temporary?: boolean;
  },
): Promise<LocalPostgres>;
export function endOrphanedPostgres(directory: string): Promise<boolean>;
export function serverUser(): { uid?: number; gid?: number };
export function canEnter(user: { uid?: number; gid?: number }, path: string): boolean;

export function freePort(host?: string): Promise<number>;
export function isPortFree(port: number, host?: string): Promise<boolean>;
export function commandLineOf(pid: number): Promise<string>;
export function isAlive(pid: number): boolean;
export function tryLock(path: string): { release(): void; owner?: undefined } | { owner: number; release?: undefined };
export function withLock<T>(path: string, work: () => Promise<T>, timeoutMs?: number): Promise<T>;
export function endWithThisProcess(what: { pid?: number; signal?: string; removeDirectory?: string }): () => void;
export function lastLines(file: string, count?: number): string;
