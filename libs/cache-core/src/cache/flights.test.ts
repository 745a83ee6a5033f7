import { Flights, type Flight } from './flights.js';

interface TestFlight extends Flight {
  land(): void;
}

function flight(): TestFlight {
  let land = (): void => {};
  const done = new Promise<void>((resolve) => (land = resolve));
  return { done, land };
}

describe('flights', () => {
  test('are joined under their own token only', () => {
    const flights = new Flights();
    const one = flight();
    flights.add('k', 't1', one);
    expect(flights.under('t1')).toBe(one);
    expect(flights.under('t2')).toBeNull();
  });

  test('leave when they have ended', async () => {
    const flights = new Flights<TestFlight>();
    const one = flight();
    flights.add('k', 't1', one);
    one.land();
    await one.done;
    await Promise.resolve();
    expect(flights.under('t1')).toBeNull();
    expect(flights.any('k')).toBeNull();
    expect(flights.size).toBe(0);
  });

  test('trap 2: the end of an older flight does not take away a newer one', async () => {
    const flights = new Flights<TestFlight>();
    const [older, newer] = [flight(), flight()];
    flights.add('k', 't1', older);
    flights.add('k', 't2', newer);
    older.land();
    await older.done;
    await Promise.resolve();
    expect(flights.any('k')).toBe(newer);
  });

  test('an announced flight is found before it exists, and is gone when its lease was not granted', async () => {
    const flights = new Flights<TestFlight>();
    const granted = Promise.resolve(flight());
    flights.announce('k', 't1', granted);
    expect(await flights.under('t1')).toBe(await granted);
    flights.announce('k', 't2', Promise.resolve(null));
    expect(await flights.under('t2')).toBeNull();
    await Promise.resolve();
    expect(flights.under('t2')).toBeNull();
    expect(flights.any('k')).toBe(await granted);
  });

  test('detached: nobody joins by key any more', () => {
    const flights = new Flights();
    flights.add('k', 't1', flight());
    flights.detach('k');
    expect(flights.any('k')).toBeNull();
  });

  test('are left by key when what they are loaded under is invalidated, and no others are', () => {
    const flights = new Flights();
    const [under, beside] = [flight(), flight()];
    flights.add('k1', 't1', under, ['version:tag:x', 'version:tag:y']);
    flights.add('k2', 't2', beside, ['version:tag:z']);
    flights.detachUnder('version:tag:y');
    expect(flights.any('k1')).toBeNull();
    expect(flights.any('k2')).toBe(beside);
    expect(flights.under('t1')).toBe(under);
  });
});
