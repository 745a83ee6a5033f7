import { Redis } from 'ioredis';

/** How long a server made everybody else wait. */
export interface Hold {
  /** Of the server's own count: its longest command. */
  readonly longestCommandMs: number;
  readonly longestCommand: string;
  /** Commands that held it for more than 5 ms. */
  readonly over5Ms: number;
  /** Those inside scripts are counted too. */
  readonly commands: number;
  /** A client beside, which asks again as soon as it is answered. */
  readonly probeP50Ms: number;
  readonly probeLongestMs: number;
}

const PROBE = 'PING';

/** Watches a server while `work` is done. */
export async function holdDuring(redisUrl: string, work: () => Promise<unknown>): Promise<Hold> {
  const [admin, probe] = [new Redis(redisUrl), new Redis(redisUrl)];
  try {
    await admin.config('SET', 'slowlog-log-slower-than', 100, 'slowlog-max-len', 10_000);
    await admin.slowlog('RESET');
    const before = await commandsOf(admin);
    const times: number[] = [];
    const done = new AbortController();
    const probing = (async () => {
      while (!done.signal.aborted) {
        const began = performance.now();
        await probe.ping();
        times.push(performance.now() - began);
      }
    })();
    await work();
    done.abort();
    await probing;
    const commands = (await commandsOf(admin)) - before - times.length;
    const slow = ((await admin.slowlog('GET', 10_000)) as [number, number, number, string[]][])
      .map(([, , micros, [command = '']]) => ({ ms: micros / 1000, command: command.toUpperCase() }))
      .filter(({ command }) => command !== PROBE)
      .toSorted((one, other) => other.ms - one.ms);
    times.sort((one, other) => one - other);
    return {
      longestCommandMs: slow[0]?.ms ?? 0.1,
      longestCommand: slow[0]?.command ?? 'none over 0.1 ms',
      over5Ms: slow.filter(({ ms }) => ms > 5).length,
      commands,
      probeP50Ms: times[Math.floor(times.length / 2)] ?? Number.NaN,
      probeLongestMs: times.at(-1) ?? Number.NaN,
    };
  } finally {
    admin.disconnect();
    probe.disconnect();
  }
}

async function commandsOf(admin: Redis): Promise<number> {
  return Number(/^total_commands_processed:(\d+)/m.exec(await admin.info('stats'))?.[1]);
}
