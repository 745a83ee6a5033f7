/**
 * A recorded hour of requests, faster, through two API processes and a worker, while each of them and Redis is killed in the
 * middle of answers. Afterwards the ledger must agree with a proxy in front of the provider to the nano-dollar: what was
 * settled is what the provider counted, what was not is unknown and never 0, and no hit is missing that was not announced as lost.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  type ExportedLine,
  readTrace,
  reckon,
  replayTrace,
  startCountingProxy,
  startTraceProvider,
  type TraceFault,
} from '@promptsales/simulated-provider';
import { startStand, type Stand } from '@promptsales/stand';

const TRACE = join(import.meta.dirname, '../../../../../shared/data/llm-conversation-trace.jsonl.gz');
/** A process that was killed counts as gone after 30 s, and the worker looks every 15 s. */
const RECONCILED_WITHIN_MS = 90_000;
const SPOOLED = 'PostgreSQL does not answer';

export async function ledgerChaos(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { requests: { type: 'string', default: '3000' }, speed: { type: 'string', default: '20' } },
  });
  const scale = { requests: Number(values.requests), speed: Number(values.speed), echoAfterMs: 1500 };
  const requests = readTrace(TRACE, scale);
  const provider = await startTraceProvider({ firstByteMs: 150, pieceMs: 40 });
  const proxy = await startCountingProxy({ upstream: provider.url, keepCalls: Number.MAX_SAFE_INTEGER });
  const environment = {
    OPENAI_BASE_URL: `${proxy.url}/v1`,
    ANTHROPIC_BASE_URL: proxy.url,
    ANTHROPIC_API_KEY: 'sk-ant-of-the-stand-0123456789',
  };
  const stand = await startStand({ apis: 2, firstByteMs: 0, environmentOf: () => environment });
  const say = (line: string): void => console.log(`  ${line}`);
  try {
    const fleet = new Fleet(stand);
    console.log(`chaos ledger: ${requests.length} requests in ${((requests.at(-1)?.atMs ?? 0) / 1000).toFixed(0)} s`);
    const observed = await replayTrace({
      requests,
      key: stand.adminKey,
      addressOf: (n) => fleet.addressOf(n),
      faults: await faultsOf(stand, fleet),
      say,
    });
    const lines = await settledLines(stand);
    const { lost_at_most: lostAtMost } = (await ask(stand, '/v1/savings').then((answer) => answer.json())) as {
      lost_at_most: number;
    };
    const whole = observed.filter((one) => one.whole);
    const how = [...Map.groupBy(whole, ({ cache }) => cache)].map(([cache, some]) => `${cache} ${some.length}`);
    say(
      `${observed.length} requests, ${whole.length} answered to the end (${how.join(', ')}), ${observed.length - whole.length} cut off`,
    );
    const cut = [
      ...Map.groupBy(
        observed.filter((one) => !one.whole),
        ({ status }) => status,
      ),
    ].map(([status, some]) => `${status === 0 ? 'no answer' : status} ${some.length}`);
    if (cut.length > 0) say(`cut off: ${cut.join(', ')}`);
    const counts = proxy.counts();
    say(`${counts.requests} calls reached the provider: ${counts.completed} completed, ${counts.failed} cut off`);
    const outcomes = [...Map.groupBy(lines, ({ outcome }) => outcome)].map(
      ([outcome, some]) => `${outcome} ${some.length}`,
    );
    say(`${lines.length} lines: ${outcomes.join(', ')}`);
    const { verdicts } = reckon({
      lines,
      calls: proxy.calls(),
      observed,
      lostAtMost,
      spooled: stand.logged().includes(SPOOLED),
    });
    for (const { what, holds } of verdicts) say(`${holds ? '✓' : '✗'} ${what}`);
    return verdicts.every(({ holds }) => holds);
  } finally {
    await stand.stop();
    await proxy.stop();
    await provider.stop();
  }
}

/** Sends nobody to a process that is not there, as a load balancer would not. */
class Fleet {
  readonly #stand: Stand;
  readonly #down = new Set<number>();

  constructor(stand: Stand) {
    this.#stand = stand;
  }

  addressOf(n: number): string {
    const up = this.#stand.apis.filter((_, index) => !this.#down.has(index));
    const from = up.length > 0 ? up : this.#stand.apis;
    return from[n % from.length]?.address as string;
  }

  async replace(api: number): Promise<void> {
    this.#down.add(api);
    await this.#stand.replace(api);
    this.#down.delete(api);
  }
}

async function faultsOf(stand: Stand, fleet: Fleet): Promise<TraceFault[]> {
  let worker = await stand.startWorker();
  return [
    { name: 'an API process is killed, and replaced', after: 0.15, run: () => fleet.replace(0) },
    {
      name: 'Redis is killed, and back after 2 s',
      after: 0.35,
      run: async () => {
        await stand.redis.kill();
        await pause(2000);
        await stand.redis.restart();
      },
    },
    {
      name: 'the worker is killed, and replaced',
      after: 0.5,
      run: async () => {
        await worker.kill();
        worker = await stand.startWorker();
      },
    },
    { name: 'the other API process is killed, and replaced', after: 0.65, run: () => fleet.replace(1) },
    {
      name: 'Redis and an API process are killed at once',
      after: 0.85,
      run: async () => {
        await Promise.all([stand.redis.kill(), fleet.replace(0)]);
        await stand.redis.restart();
      },
    },
  ];
}

/** Every line, once the worker has closed what the killed ones left open. */
async function settledLines(stand: Stand): Promise<ExportedLine[]> {
  // What a living process still has in memory is written within a second.
  await pause(2000);
  const until = Date.now() + RECONCILED_WITHIN_MS;
  for (;;) {
    const text = await ask(stand, '/v1/savings/export').then((answer) => answer.text());
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ExportedLine);
    if (lines.every(({ outcome }) => outcome !== 'intent') || Date.now() > until) return lines;
    await pause(1000);
  }
}

function ask(stand: Stand, path: string): Promise<Response> {
  return fetch(`${stand.apis[0]?.address as string}${path}`, { headers: { 'x-api-key': stand.adminKey } });
}
