import { fork } from 'node:child_process';
import { once } from 'node:events';
import { endWithThisProcess } from '@promptsales/local-services';

/** What a process can be told to do, by name: each order and its answer. */
export type OrderMap<O> = { readonly [N in keyof O]: { readonly order: unknown; readonly answer: unknown } };

/** A subject of a benchmark at work in a process of its own, one order at a time. */
export interface OrderedProcess<O extends OrderMap<O>> {
  /** @throws Error what the process says is wrong */
  order<N extends keyof O>(name: N, order: O[N]['order']): Promise<O[N]['answer']>;
  stop(): Promise<void>;
}

interface Reply {
  readonly answer?: unknown;
  readonly error?: string;
}

interface Order {
  readonly name: string;
  readonly order: unknown;
}

/** Starts `script`, which calls `obey`, with `argument` as JSON. */
export async function startOrdered<O extends OrderMap<O>>(
  script: string,
  argument: unknown,
): Promise<OrderedProcess<O>> {
  const child = fork(script, [JSON.stringify(argument)], {
    // As it is used: some libraries check more outside production.
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: profiling(),
  });
  if (child.pid !== undefined) endWithThisProcess({ pid: child.pid, signal: 'KILL' });
  const ended = once(child, 'exit');
  const endedEarly = ended.then(([code]) => Promise.reject(new Error(`A process of the benchmark ended (${code}).`)));
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
    order: async (name, order) => {
      const answered = reply();
      child.send({ name, order });
      return answered;
    },
    stop: async () => {
      child.disconnect();
      await ended;
    },
  };
}

/** The other side: does what it is told until its parent leaves. */
export function obey<O extends OrderMap<O>>(doers: {
  readonly [N in keyof O]: (order: O[N]['order']) => Promise<O[N]['answer']>;
}): void {
  process.on('message', ({ name, order }: Order) => {
    doers[name as keyof O](order).then(
      (answer) => process.send?.({ answer }),
      (error: Error) => process.send?.({ error: error.stack ?? error.message }),
    );
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.({ answer: 'ready' });
}

/** BENCH_CPU_PROFILE names a directory for a profile of each process. */
function profiling(): string[] {
  const directory = process.env['BENCH_CPU_PROFILE'];
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}
