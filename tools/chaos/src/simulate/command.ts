import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endWithThisProcess } from '@promptsales/local-services';
import { describe, prove } from '@promptsales/simulator';
import { describeReal, HARD_CASES_ON_REDIS, proveOnRedis, seedOnRedis } from './on-redis.js';

/** Runs seeded schedules of faults on the cache protocol, prints what occurred, and tells the story of the first that fails. */
export async function simulate(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      real: { type: 'boolean', default: false },
    },
  });
  const [seeds, from] = [wholeNumber('seeds', values.seeds), wholeNumber('from', values.from)];
  if (values.real) return onRedis(from, seeds);
  const began = performance.now();
  const onSeed = (seed: number): void => {
    if ((seed - from + 1) % 500 === 0) console.log(`  ${seed - from + 1} schedules`);
  };
  console.log(`simulating ${seeds} schedules from seed ${from}`);
  const proof = await prove({ from, seeds, onSeed });
  const seconds = (performance.now() - began) / 1000;
  for (const [what, times] of Object.entries(proof.counts).toSorted(([, a], [, b]) => b - a)) {
    console.log(`${String(times).padStart(10)}  ${what}`);
  }
  console.log(`${proof.seeds} schedules in ${seconds.toFixed(0)} s`);
  if (proof.counterexample === null) console.log('✓ every claim held');
  else console.log(`\n✗ ${describe(proof.counterexample)}`);
  return proof.counterexample === null;
}

async function onRedis(from: number, seeds: number): Promise<boolean> {
  const plans = [...HARD_CASES_ON_REDIS, ...Array.from({ length: seeds }, (_, n) => seedOnRedis(from + n))];
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-simulate-'));
  endWithThisProcess({ removeDirectory: directory });
  // Where the test kit puts its servers' data.
  process.env['PROMPTSALES_TEST_DIRECTORY'] = directory;
  const { counts, failed } = await proveOnRedis(plans, (name) => console.log(`  ${name}`));
  for (const [what, times] of Object.entries(counts).toSorted(([, a], [, b]) => b - a)) {
    console.log(`${String(times).padStart(10)}  ${what}`);
  }
  console.log(failed === null ? '✓ every claim held' : `\n✗ ${describeReal(failed)}`);
  return failed === null;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} is a whole number, not "${text}"`);
  return Number(text);
}
