import { Places, TIMES_WHAT_IS_LEFT, type Occupant } from './places.js';

interface Sitting extends Occupant {
  ended: boolean;
}

function room(most: number, timesLeft?: number) {
  const places = new Places(most, timesLeft);
  let clock = 0;
  const begin = (tenant: string, state: 'idle' | 'listens' | 'answers' = 'idle'): Sitting => {
    const place = places.take(tenant);
    clock += 1;
    const sitting = {
      usedAt: clock,
      answers: state === 'answers',
      busy: state !== 'idle',
      ended: false,
      close: () => {
        sitting.ended = true;
        place.leave();
      },
    };
    place.occupy(sitting);
    return sitting;
  };
  const beginAll = (count: number, ...args: Parameters<typeof begin>) =>
    Array.from({ length: count }, () => begin(...args));
  return { begin, beginAll };
}

const tooBusy = expect.objectContaining({ code: 'upstream_too_busy' });

describe('places for processes', () => {
  it('of one tenant alone: who was idle longest gives way, who is listened to does not', () => {
    const { begin } = room(3);
    const all = [begin('a', 'listens'), begin('a'), begin('a')];
    begin('a', 'listens');
    expect(all.map(({ ended }) => ended)).toEqual([false, true, false]);
    begin('a', 'listens');
    expect(() => begin('a')).toThrow(tooBusy);
  });

  it('no tenant takes all of them, however busy: the next finds room', () => {
    const { begin, beginAll } = room(256, TIMES_WHAT_IS_LEFT);
    const held = beginAll(224, 'a', 'answers');
    expect(() => begin('a', 'answers')).toThrow(tooBusy);
    beginAll(28, 'b', 'answers');
    expect(() => begin('b', 'answers')).toThrow(tooBusy);
    begin('c', 'answers');
    expect(held.some(({ ended }) => ended)).toBe(false);
  });

  it('who holds most gives way to another tenant: what is idle, then what is only listened to, never an answer', () => {
    const { begin, beginAll } = room(6);
    const answering = begin('a', 'answers');
    const listening = beginAll(2, 'a', 'listens');
    const idle = begin('a');
    const others = beginAll(2, 'b', 'listens');
    begin('c');
    expect([idle.ended, listening.some(({ ended }) => ended)]).toEqual([true, false]);
    begin('c');
    expect(listening.map(({ ended }) => ended)).toEqual([true, false]);
    expect([answering, ...others].some(({ ended }) => ended)).toBe(false);
  });

  it('who holds no more than another takes nothing from him', () => {
    const { begin, beginAll } = room(4);
    const [first] = beginAll(2, 'a');
    const others = beginAll(2, 'b');
    begin('a');
    expect([first?.ended, others.some(({ ended }) => ended)]).toEqual([true, false]);
  });

  it('one that begins counts, and is asked for nothing', () => {
    const places = new Places(1);
    const place = places.take('a');
    expect(() => places.take('b')).toThrow(tooBusy);
    place.leave();
    place.leave();
    places.take('b');
    expect(() => places.take('a')).toThrow(tooBusy);
  });
});
