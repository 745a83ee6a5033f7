import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findRedis, startRedisServer, type LocalRedis } from '@promptsales/local-services';

export interface TemporaryRedis {
  readonly server: LocalRedis;
  /** A program of the server's own package, such as redis-benchmark, and what it runs with. */
  program(name: string): { readonly command: string; readonly env: NodeJS.ProcessEnv };
}

/** A Redis server of the benchmark's own, which ends with this process at the latest. */
export async function startTemporaryRedis(): Promise<TemporaryRedis> {
  const binary = await findRedis({ localDirectory: join(import.meta.dirname, '../../../.local') });
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-bench-'));
  const server = await startRedisServer(binary, { directory, temporary: true });
  return {
    server,
    program: (name) => ({
      command: binary.command.includes('/') ? join(dirname(binary.command), name) : name,
      env: { ...process.env, ...binary.env },
    }),
  };
}
