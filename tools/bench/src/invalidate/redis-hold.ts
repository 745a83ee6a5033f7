import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { threadTime } from './redis-thread.js';

/** How long a server made everybody else wait. */
export interface Hold {
  /** Of the server's own count, by the clock: its longest command. */
  readonly longestCommandMs: number;
  readonly longestCommand: string;
  /** Commands that held it for more than 5 ms. */
  readonly over5Ms: number;
  /** Those inside scripts are counted too. */
  readonly commands: number;
  /** Processor time of the thread that carries out commands; the probe's are among them. */
  readonly ranMs: number;
  /** How long that thread was ready and had no processor: by so much in all may commands seem longer than they are. */
  readonly waitedMs: number;
  /** A client beside, which asks every millisecond. */
  readonly probeLongestMs: number;
}

const PROBE = 'PING';
const PROBE_EVERY_MS = 1;
/** Enough for a million keys in steps of a few hundred. */
const SLOW_LOG = { overMicros: 500, entries: 100_000 };

/** Watches a server while `work` is done. */
export async function holdDuring(
  { url, pid }: { readonly url: string; readonly pid: number },
  work: () => Promise<unknown>,
): Promise<Hold> {
  const [admin, probe] = [new Redis(url), new Redis(url)];
  try {
    await admin.config('SET', 'slowlog-log-slower-than', SLOW_LOG.overMicros, 'slowlog-max-len', SLOW_LOG.entries);
    await admin.slowlog('RESET');
    const commandsBefore = await commandsOf(admin);
    let probes = 0;
    let probeLongestMs = 0;
    const done = new AbortController();
    const probing = (async () => {
      while (!done.signal.aborted) {
        const began = performance.now();
        await probe.ping();
        probes += 1;
        probeLongestMs = Math.max(probeLongestMs, performance.now() - began);
        await pause(PROBE_EVERY_MS);
      }
    })();
    const before = threadTime(pid);
    await work();
    const after = threadTime(pid);
    done.abort();
    await probing;
    const commands = (await commandsOf(admin)) - commandsBefore - probes;
    const slow = ((await admin.slowlog('GET', SLOW_LOG.entries)) as [number, number, number, string[]][])
      .map(([, , micros, [command = '']]) => ({ ms: micros / 1000, command: command.toUpperCase() }))
      .filter(({ command }) => command !== PROBE)
      .toSorted((one, other) => other.ms - one.ms);
    return {
      longestCommandMs: slow[0]?.ms ?? SLOW_LOG.overMicros / 1000,
      longestCommand: slow[0]?.command ?? `none over ${SLOW_LOG.overMicros / 1000} ms`,
      over5Ms: slow.filter(({ ms }) => ms > 5).length,
      commands,
      ranMs: (after?.ranMs ?? Number.NaN) - (before?.ranMs ?? Number.NaN),
      waitedMs: (after?.waitedMs ?? Number.NaN) - (before?.waitedMs ?? Number.NaN),
      probeLongestMs,
    };
  } finally {
    admin.disconnect();
    probe.disconnect();
  }
}

async function commandsOf(admin: Redis): Promise<number> {
  return Number(/^total_commands_processed:(\d+)/m.exec(await admin.info('stats'))?.[1]);
}
