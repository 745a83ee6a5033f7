import { each, finished, inTurns, SLICE } from './work.js';

function* counting(count: number): Generator<void, number, void> {
  let seen = 0;
  yield* each(count, () => {
    seen += 1;
  });
  return seen;
}

it('work is the same in one go and in turns, and others have theirs after each slice', async () => {
  let turns = 0;
  const turn = (): Promise<void> => {
    turns += 1;
    return Promise.resolve();
  };
  expect(finished(counting(3 * SLICE + 1))).toBe(3 * SLICE + 1);
  expect(await inTurns(counting(3 * SLICE + 1), turn)).toBe(3 * SLICE + 1);
  expect(turns).toBe(4);
});
