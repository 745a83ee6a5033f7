import fc from 'fast-check';
import type { DispatchedJob } from '../store/job-store.js';
import { Refill, type RefillParts } from './refill.js';

const MINUTE = 60_000;

/** Rows and a queue, as far as a refill knows them: what was given, and what of it the queue has. */
function stage(jobs: number, settledBefore = new Date(jobs)) {
  const rows = Array.from(
    { length: jobs },
    // Two of each time: pages end between them.
    (_, at): DispatchedJob => ({
      id: String(at).padStart(6, '0'),
      priority: 'normal',
      dispatchedAt: new Date(at - (at % 2)),
    }),
  );
  const queue = new Set(rows.map(({ id }) => id));
  const calls = { looks: 0, marked: [] as string[], given: [] as string[] };
  let nowMs = 0;
  const parts: RefillParts = {
    now: () => nowMs,
    store: {
      countDispatched: () => Promise.resolve({ jobs: rows.length, settledBefore }),
      dispatchedBefore: (before, after, most) => {
        calls.looks += 1;
        const behind = rows.filter(
          ({ id, dispatchedAt }) =>
            dispatchedAt < before &&
            (after === null ||
              dispatchedAt > after.dispatchedAt ||
              (dispatchedAt.getTime() === after.dispatchedAt.getTime() && id > after.id)),
        );
        return Promise.resolve(behind.slice(0, most));
      },
      dispatchedAgain: (ids) => {
        calls.marked.push(...ids);
        return Promise.resolve();
      },
    },
    queue: {
      size: () => Promise.resolve(queue.size),
      lacking: (asked) => Promise.resolve(asked.filter(({ id }) => !queue.has(id))),
      add: (added) => {
        calls.given.push(...added.map(({ id }) => id));
        for (const { id } of added) queue.add(id);
        return Promise.resolve();
      },
    },
  };
  const refill = new Refill(parts);
  return { refill, queue, calls, pass: (ms: number) => (nowMs += ms) };
}

it('looks at no job while the queue has as many as it was given', async () => {
  const { refill, calls } = stage(5000);
  expect(await refill.turn()).toBe(0);
  expect(calls).toEqual({ looks: 0, marked: [], given: [] });
});

it('gives the queue exactly what it has lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1500 }), fc.func(fc.boolean()), async (jobs, isLost) => {
      const { refill, queue, calls } = stage(jobs);
      const lost = [...queue].filter((id) => isLost(id));
      for (const id of lost) queue.delete(id);
      expect(await refill.turn()).toBe(lost.length);
      expect(calls.given).toEqual(lost);
      expect(calls.marked).toEqual(lost);
      expect(queue.size).toBe(jobs);
    }),
    { numRuns: 40 },
  );
});

it('looks at a long queue a bit at a time, from where it was', async () => {
  const { refill, queue, calls } = stage(6000);
  queue.clear();
  const given: number[] = [];
  do given.push(await refill.turn());
  while (refill.isLooking);
  expect(given).toEqual([2500, 2500, 1000]);
  expect([queue.size, new Set(calls.given).size, calls.looks]).toEqual([6000, 6000, 13]);
  expect(await refill.turn()).toBe(0);
});

it('leaves alone what may be on its way to the queue', async () => {
  const { refill, queue, calls } = stage(100, new Date(50));
  queue.clear();
  await refill.turn();
  expect(calls.given.map(Number)).toEqual(Array.from({ length: 50 }, (_, at) => at));
});

it('finds what was lost behind jobs that have ended, in time', async () => {
  const { refill, queue, pass } = stage(1000);
  queue.delete('000001');
  queue.add('ended before');
  expect(await refill.turn()).toBe(0);
  pass(5 * MINUTE);
  expect(await refill.turn()).toBe(1);
});
