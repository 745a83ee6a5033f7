import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { endWithThisProcess } from '@promptsales/local-services';
import type { LibraryName } from './libraries.js';
import type { Tiers } from './library.js';
import type { OrderName, Orders } from './orders.js';

/** A library at work in a process of its own. */
export interface LibraryProcess {
  readonly name: LibraryName;
  /** @throws what the process says is wrong */
  order<N extends OrderName>(name: N, order: Orders[N]['order']): Promise<Orders[N]['answer']>;
  stop(): Promise<void>;
}

interface Reply {
  readonly answer?: unknown;
  readonly error?: string;
}

export async function startLibrary(library: LibraryName, redisUrl: string, tiers: Tiers): Promise<LibraryProcess> {
  const child = fork(
    join(import.meta.dirname, 'library-process.js'),
    [JSON.stringify({ library, redisUrl, tiers })],
    // As it is used: some of them check more outside production.
    { env: { ...process.env, NODE_ENV: 'production' }, execArgv: profiling() },
  );
  if (child.pid !== undefined) endWithThisProcess({ pid: child.pid, signal: 'KILL' });
  const ended = once(child, 'exit');
  const endedEarly = ended.then(([code]) => Promise.reject(new Error(`The process of ${library} ended (${code}).`)));
  // Told to whoever waits for an answer, if anybody does.
  endedEarly.catch(() => {});
  const reply = async (): Promise<unknown> => {
    const answered = Promise.withResolvers<Reply>();
    child.once('message', answered.resolve);
    const message = await Promise.race([answered.promise, endedEarly]);
    if (message.error !== undefined) throw new Error(message.error);
    return message.answer;
  };
  await reply();
  return {
    name: library,
    order: async <N extends OrderName>(name: N, order: Orders[N]['order']) => {
      const answered = reply();
      child.send({ name, order });
      return (await answered) as Orders[N]['answer'];
    },
    stop: async () => {
      child.disconnect();
      await ended;
    },
  };
}

/** BENCH_CPU_PROFILE names a directory for a profile of each process. */
function profiling(): string[] {
  const directory = process.env['BENCH_CPU_PROFILE'];
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}
