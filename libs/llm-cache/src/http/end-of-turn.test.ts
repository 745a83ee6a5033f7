import { endOfTurn } from './end-of-turn.js';

it('comes once for all who wait in a turn, after what the turn has brought, and again in the next', async () => {
  const order: string[] = [];
  const first = endOfTurn(0).then(() => order.push('first'));
  process.nextTick(() => order.push('still this turn'));
  const second = endOfTurn(0.9).then(() => order.push('second'));
  setImmediate(() => order.push('later'));
  await Promise.all([first, second]);
  expect(order).toEqual(['still this turn', 'first', 'second']);
  await endOfTurn(0);
  expect(order.at(-1)).toBe('later');
});

it('waits for no more than a millisecond for a turn that is long', async () => {
  const order: string[] = [];
  const first = endOfTurn(10).then(() => order.push('first'));
  process.nextTick(() => order.push('still this turn'));
  setImmediate(() => order.push('later'));
  const second = endOfTurn(11).then(() => order.push('second'));
  const next = endOfTurn(11).then(() => order.push('next'));
  await Promise.all([first, second, next]);
  expect(order.filter((one) => one !== 'still this turn')).toEqual(['first', 'second', 'later', 'next']);
});
