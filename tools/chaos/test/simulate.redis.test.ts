/** Some schedules of the simulator on a real Redis; `npm run chaos -- simulate --real` runs as many as are asked for. */
import { describeReal, HARD_CASES_ON_REDIS, proveOnRedis, seedOnRedis } from '../src/simulate/on-redis.js';

/** What needs no luck with the delays of its messages. */
const CASES = [
  'an invalidation reaches what is being loaded and is not there yet',
  'a pattern reaches what is being loaded and is not there yet',
  'who comes to a server that has just begun again waits as the others do',
  'what a pattern removed and a server forgets is removed again',
];
/** With a frozen server, processes that are cut off, broken connections and delays. */
const SEEDS = [2, 5];

const plans = [...HARD_CASES_ON_REDIS.filter(({ name }) => CASES.includes(name)), ...SEEDS.map(seedOnRedis)];

test.concurrent.each(plans)('on a real Redis: $name', async (plan) => {
  const { failed } = await proveOnRedis([plan]);
  expect(failed === null ? '' : describeReal(failed)).toBe('');
});

test('none of the cases has got another name', () => {
  expect(plans).toHaveLength(CASES.length + SEEDS.length);
});
