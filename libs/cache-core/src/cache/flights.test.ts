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

  describe('by arrival', () => {
    const granted = async (flights: Flights<TestFlight>, token: string, subjects: string[] = []) => {
      const boarding = Promise.resolve(flight());
      flights.announce('k', token, boarding, subjects);
      return boarding;
    };

    test('are boarded from their announcement until they end, by whoever arrived before it', async () => {
      const flights = new Flights<TestFlight>();
      const { arrival } = flights;
      expect(flights.begunSince('k', arrival)).toBeNull();
      const announced = granted(flights, 't1');
      expect(await flights.begunSince('k', arrival)).toBe(await announced);
      const begun = await announced;
      expect(flights.begunSince('k', arrival)).toBe(begun);
      expect(flights.begunSince('another', arrival)).toBeNull();
      begun.land();
      await begun.done;
      await Promise.resolve();
      expect(flights.begunSince('k', arrival)).toBeNull();
    });

    test('are not boarded when they were announced before the caller arrived, granted or not', async () => {
      const flights = new Flights<TestFlight>();
      const announced = granted(flights, 't1');
      const { arrival } = flights;
      expect(flights.begunSince('k', arrival)).toBeNull();
      await announced;
      expect(flights.begunSince('k', arrival)).toBeNull();
    });

    test('are not boarded when another process loads: nobody here knows since when', () => {
      const flights = new Flights<TestFlight>();
      const { arrival } = flights;
      flights.add('k', 'another process', flight());
      expect(flights.begunSince('k', arrival)).toBeNull();
    });

    test('are gone when their lease was not granted, or could not be asked for', async () => {
      const flights = new Flights<TestFlight>();
      const { arrival } = flights;
      flights.announce('k', 't1', Promise.resolve(null));
      expect(await flights.begunSince('k', arrival)).toBeNull();
      expect(flights.begunSince('k', arrival)).toBeNull();
      const failing = Promise.reject<TestFlight>(new Error('no answer'));
      flights.announce('k', 't2', failing);
      await expect(flights.begunSince('k', arrival)).rejects.toThrow('no answer');
      expect(flights.begunSince('k', arrival)).toBeNull();
    });

    test('the one that has its lease is boarded rather than one that asks for it', async () => {
      const flights = new Flights<TestFlight>();
      const { arrival } = flights;
      const begun = await granted(flights, 't1');
      flights.announce('k', 't2', Promise.resolve(null));
      expect(flights.begunSince('k', arrival)).toBe(begun);
    });

    test.each([
      ['its key', (flights: Flights<TestFlight>) => flights.detach('k')],
      ['a pattern', (flights: Flights<TestFlight>) => flights.detachWhere((key) => key === 'k')],
      ['a version', (flights: Flights<TestFlight>) => flights.detachUnder('version:tag:x')],
    ])('detached by %s: neither one that waits for its lease nor one that has it is boarded', async (_, detach) => {
      const flights = new Flights<TestFlight>();
      const { arrival } = flights;
      const first = granted(flights, 't1', ['version:tag:x']);
      detach(flights);
      expect(flights.begunSince('k', arrival)).toBeNull();
      await first;
      // Its lease came later: that does not attach it again.
      expect(flights.begunSince('k', arrival)).toBeNull();
      expect(flights.any('k')).toBeNull();
      expect(flights.under('t1')).toBe(await first);
      await granted(flights, 't2', ['version:tag:x']);
      detach(flights);
      expect(flights.begunSince('k', arrival)).toBeNull();
    });
  });
});
