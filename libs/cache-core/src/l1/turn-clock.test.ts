import { TurnClock } from './turn-clock.js';

describe('TurnClock', () => {
  let time = 0;
  let readings = 0;
  let endOfTurn: (() => void)[] = [];
  const clock = () =>
    new TurnClock(
      () => {
        readings += 1;
        return time;
      },
      (then) => endOfTurn.push(then),
    );
  const burst = (of: TurnClock): void => {
    for (let n = 0; n < 9; n += 1) of.now();
  };

  beforeEach(() => {
    time = 0;
    readings = 0;
    endOfTurn = [];
  });

  it('reads the time for each single reading', () => {
    const one = clock();
    for (time = 1; time <= 20; time += 1) expect(one.now()).toBe(time);
    expect(endOfTurn).toEqual([]);
  });

  it('reads it for every sixteenth in a burst, so that a stopped process learns of it', () => {
    const one = clock();
    burst(one);
    readings = 0;
    for (let n = 0; n < 160; n += 1) one.now();
    expect(readings).toBe(10);
    time = 60_000;
    const late = Array.from({ length: 16 }, () => one.now());
    expect(late).toContain(60_000);
  });

  it('reads it again at the beginning of the next turn', () => {
    const one = clock();
    burst(one);
    for (const then of endOfTurn.splice(0)) then();
    time = 60_000;
    expect(one.now()).toBe(60_000);
  });
});
