import { findRedis, type LocalServer, startRedisServer } from '@promptsales/local-services';
import { endWithTestFile, localDirectory, temporaryDirectory } from './test-run.js';

export interface StartRedisOptions {
  /** Keeps an append-only file, so that data survives `kill()` and `restart()`. @default false */
  readonly appendOnly?: boolean;
  /** @default a free port */
  readonly port?: number;
  /** @default 16 */
  readonly databases?: number;
  /** Further arguments of redis-server, e.g. `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
}

/** A Redis server of the test's own on 127.0.0.1. `kill` is -9, `freeze` is SIGSTOP, `restart` keeps port and directory. */
export type TestRedis = LocalServer;

/** Starts a Redis server, about 30 ms. It ends with the test file at the latest, however that ends. */
export async function startRedis(options: StartRedisOptions = {}): Promise<TestRedis> {
  const binary = await findRedis({ localDirectory });
  const directory = temporaryDirectory('redis');
  return endWithTestFile(await startRedisServer(binary, { ...options, directory, temporary: true }));
}
