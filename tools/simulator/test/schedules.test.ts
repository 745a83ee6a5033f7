import { HARD_CASES, describe as tell, planFrom, prove, simulate, Story, type Plan } from '../src/index.js';
import { shrink } from '../src/proof/shrink.js';

/** Enough for each fault to occur dozens of times; `npm run chaos -- simulate` runs as many as are asked for. */
const SEEDS = 50;

test(`every claim holds under ${SEEDS} schedules of faults`, async () => {
  const { counterexample, counts } = await prove({ from: 1, seeds: SEEDS });
  expect(counterexample === null ? '' : tell(counterexample)).toBe('');
  // A claim is worth nothing if what it speaks of does not occur.
  for (const what of ['hit', 'joined', 'followed', 'loaded', 'fill stored', 'fill superseded', 'fill dropped']) {
    expect(`${what} ${(counts[what] ?? 0) > 10}`).toBe(`${what} true`);
  }
  for (const fault of [
    'break',
    'slow',
    'cut off',
    'freeze process',
    'kill process',
    'freeze server',
    'restart server',
  ]) {
    expect(`${fault} ${(counts[fault] ?? 0) > 3}`).toBe(`${fault} true`);
  }
});

test.each(HARD_CASES)('$name', async ({ plan, seeds }) => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { violations } = await simulate(plan(seed));
    expect(violations.map(({ claim, what }) => `seed ${seed}: ${claim}: ${what}`)).toEqual([]);
  }
});

test('a seed tells the same story twice', async () => {
  const stories = [new Story(), new Story()];
  for (const story of stories) await simulate(planFrom(7), story);
  expect(stories[0]?.text.length).toBeGreaterThan(1000);
  expect(stories[0]?.text).toBe(stories[1]?.text);
});

test('a failing schedule is made as small as it goes', async () => {
  const plan = planFrom(7);
  const needed = [plan.steps[3], plan.steps[17], plan.steps[18]];
  const fails = async ({ steps }: Plan): Promise<boolean> => needed.every((step) => steps.some((one) => one === step));
  expect(await fails(plan)).toBe(true);
  expect((await shrink(plan, fails)).steps).toEqual(needed);
});
