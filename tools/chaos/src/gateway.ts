/**
 * The gateway while Redis is killed, frozen and restarted, under 200 requests a second to two API processes.
 *
 * What must hold: no request fails; once the link is down, the 99th percentile of the latency is at most 100 ms above that
 * of an ordinary miss; hits come back by themselves; and nothing whose storing was given up is stored later.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Load, type Sample } from './load.js';
import { startStand, type Stand } from '@promptsales/stand';
import type { Verdict } from './verdict.js';

const PER_SECOND = 200;
const POPULAR = 200;
const FREEZE_MS = 10_000;
/** By then two commands have timed out and the link is down. */
const LINK_DOWN_AFTER_MS = 1500;
const ADDED_P99_MS = 100;

export async function gateway(say: (line: string) => void): Promise<Verdict[]> {
  const stand = await startStand({ apis: 2, firstByteMs: 20 });
  try {
    return await underLoad(stand, say);
  } finally {
    await stand.stop();
  }
}

async function underLoad(stand: Stand, say: (line: string) => void): Promise<Verdict[]> {
  // Four of five requests repeat something, the fifth is new.
  const prompt = (n: number): string =>
    n % 5 === 4 ? `Something new, number ${n}.` : `Popular question ${n % POPULAR}?`;
  const load = new Load({
    addresses: stand.apis.map((api) => api.address),
    key: stand.adminKey,
    perSecond: PER_SECOND,
    prompt,
  });
  const verdicts: Verdict[] = [];
  const phase = async (name: string, during: () => Promise<void>): Promise<[number, number]> => {
    const from = load.now();
    await during();
    stand.checkAlive();
    const to = load.now();
    say(describe(name, load.between(from, to)));
    return [from, to];
  };

  await phase('warming up', () => pause(10_000));
  const [from, to] = await phase('ordinary', () => pause(5000));
  const ordinaryMiss = p99(load.between(from, to).filter(({ cache }) => cache === 'MISS'));

  const trouble = async (
    name: string,
    begin: () => Promise<void> | void,
    lasts: number,
    end: () => Promise<unknown> | void,
  ) => {
    const [began, ended] = await phase(name, async () => {
      await begin();
      await pause(lasts);
    });
    await end();
    const settled = load.between(began + LINK_DOWN_AFTER_MS, ended);
    verdicts.push({
      what: `${name}: p99 ${p99(settled).toFixed(0)} ms once the link is down, an ordinary miss ${ordinaryMiss.toFixed(0)} ms`,
      holds: p99(settled) <= ordinaryMiss + ADDED_P99_MS,
    });
    await phase(`  back after: ${name}`, () => pause(5000));
    const last = load.between(load.now() - 2000, load.now()).filter((sample) => sample.prompt.startsWith('Popular'));
    verdicts.push({ what: `${name}: hits come back by themselves`, holds: share(last, 'HIT') > 0.95 });
    return [began, ended] as const;
  };

  await trouble(
    'Redis killed',
    () => stand.redis.kill(),
    3000,
    () => stand.redis.restart(),
  );
  const [frozeAt, thawedAt] = await trouble(
    'Redis frozen for 10 s',
    () => stand.redis.freeze(),
    FREEZE_MS,
    () => stand.redis.thaw(),
  );
  await trouble(
    'Redis restarted',
    () => stand.redis.restart().then(() => {}),
    2000,
    () => {},
  );

  const givenUp = load
    .between(frozeAt, thawedAt)
    .filter(({ prompt: asked, at, ms }) => asked.startsWith('Something new') && at + ms < thawedAt);
  const later = await Promise.all(givenUp.map(({ prompt: asked }, n) => load.ask(asked, n)));
  await load.stop();
  verdicts.push(
    {
      what: `${load.samples.length} requests, none failed`,
      holds: load.samples.every(({ failure }) => failure === null),
    },
    {
      what: `${givenUp.length} answers given while Redis was frozen were not stored after it thawed`,
      holds: givenUp.length > 0 && later.every(({ cache }) => cache === 'MISS'),
    },
    { what: 'every question always got the same answer', holds: agree(load.samples) },
  );
  for (const sample of load.samples.filter(({ failure }) => failure !== null).slice(0, 5)) {
    say(`  failed at ${sample.at.toFixed(0)} ms: ${sample.status} ${sample.failure}`);
  }
  return verdicts;
}

function describe(name: string, samples: readonly Sample[]): string {
  const failed = samples.filter(({ failure }) => failure !== null).length;
  return (
    `${name.padEnd(36)} ${String(samples.length).padStart(5)} requests  ${failed} failed  ` +
    `hits ${(100 * share(samples, 'HIT')).toFixed(0).padStart(3)} %  p50 ${quantile(samples, 0.5).toFixed(1)} ms  p99 ${p99(samples).toFixed(1)} ms`
  );
}

const share = (samples: readonly Sample[], cache: string): number =>
  samples.length === 0 ? 0 : samples.filter((sample) => sample.cache === cache).length / samples.length;

const p99 = (samples: readonly Sample[]): number => quantile(samples, 0.99);

/** The nearest-rank quantile of the latencies; NaN of none, which no comparison takes for good. */
function quantile(samples: readonly Sample[], q: number): number {
  const sorted = samples.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

function agree(samples: readonly Sample[]): boolean {
  const first = new Map<string, string>();
  return samples.every(({ prompt, text, failure }) => {
    if (failure !== null) return true;
    const known = first.get(prompt) ?? text;
    first.set(prompt, known);
    return known === text;
  });
}
