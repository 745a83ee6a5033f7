import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TemporaryRedis } from '../temporary-redis.js';

const execute = promisify(execFile);

/** GETs a second of the server's own load generator, pipelined, of a value that is as long as ours. */
export async function pipelinedGets(
  redis: TemporaryRedis,
  { connections, pipeline, requests }: { connections: number; pipeline: number; requests: number },
  bytes: number,
): Promise<number> {
  const { command, env } = redis.program('redis-benchmark');
  const args = ['-p', redis.server.port, '-c', connections, '-P', pipeline, '-n', requests, '-d', bytes];
  const run = async (test: string): Promise<string> =>
    (await execute(command, [...args.map(String), '-r', '1000', '-t', test, '--csv'], { env })).stdout;
  await run('set');
  const line = (await run('get')).split('\n').find((one) => one.startsWith('"GET"'));
  const perSecond = Number(line?.split(',')[1]?.replaceAll('"', ''));
  if (!(perSecond > 0)) throw new Error(`redis-benchmark did not say how many GETs it made: ${line}`);
  return perSecond;
}
