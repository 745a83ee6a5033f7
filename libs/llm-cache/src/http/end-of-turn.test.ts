import { endOfTurn } from './end-of-turn.js';

it('comes once for all who wait in a turn, after what the turn has brought, and again in the next', async () => {
  const order: string[] = [];
  const first = endOfTurn().then(() => order.push('first'));
  process.nextTick(() => order.push('still this turn'));
  const second = endOfTurn().then(() => order.push('second'));
  setImmediate(() => order.push('later'));
  await Promise.all([first, second]);
  expect(order).toEqual(['still this turn', 'first', 'second']);
  await endOfTurn();
  expect(order.at(-1)).toBe('later');
});
