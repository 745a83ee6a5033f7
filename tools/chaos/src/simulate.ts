import { parseArgs } from 'node:util';
import { describe, prove } from '@promptsales/simulator';

/** Runs seeded schedules of faults on the cache protocol, prints what occurred, and tells the story of the first that fails. */
export async function simulate(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
  });
  const [seeds, from] = [wholeNumber('seeds', values.seeds), wholeNumber('from', values.from)];
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

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} is a whole number, not "${text}"`);
  return Number(text);
}
