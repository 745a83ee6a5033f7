import { flightOf, outcomeFor, type Outcome } from './value-flight.js';

describe('a flight whose last caller has left', () => {
  /** One who came with a signal and has gone; the load goes on until the test ends it. */
  async function abandoned() {
    const ending = Promise.withResolvers<Outcome<string>>();
    const flight = flightOf(() => ending.promise);
    const caller = new AbortController();
    const leaving = outcomeFor(flight, { signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    return { flight, end: ending.resolve };
  }

  test('is to be given up', async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    const flight = flightOf((signal) => {
      begun.resolve(signal);
      return new Promise<Outcome<string>>(() => {});
    });
    const callers = [new AbortController(), new AbortController()];
    const leaving = callers.map(({ signal }) => outcomeFor(flight, { signal }).catch(() => 'left'));
    callers[0]?.abort();
    expect((await begun.promise).aborted).toBe(false);
    callers[1]?.abort();
    await Promise.all(leaving);
    expect((await begun.promise).aborted).toBe(true);
  });

  test('its value, should it bring one all the same, is that of whoever came later', async () => {
    const { flight, end } = await abandoned();
    const later = outcomeFor(flight, {});
    end({ kind: 'value', value: 'v', stored: null });
    expect(await later).toMatchObject({ kind: 'value', value: 'v' });
  });

  test('its error is nobody’s', async () => {
    const { flight, end } = await abandoned();
    const later = outcomeFor(flight, {});
    end({ kind: 'error', error: new Error('aborted') });
    expect(await later).toEqual({ kind: 'again' });
  });

  test('keeps nobody who has less patience', async () => {
    const { flight } = await abandoned();
    const caller = new AbortController();
    const later = outcomeFor(flight, { signal: caller.signal });
    caller.abort(new Error('gone too'));
    await expect(later).rejects.toThrow('gone too');
    expect(await outcomeFor(flight, { atMostMs: 1 })).toEqual({ kind: 'late' });
  });
});

test('a flight that has ended is not given up when those leave who have its value', async () => {
  let given: AbortSignal | undefined;
  const flight = flightOf(async (signal): Promise<Outcome<string>> => {
    given = signal;
    return { kind: 'value', value: 'v', stored: new Promise(() => {}) };
  });
  expect(await outcomeFor(flight, { signal: new AbortController().signal })).toMatchObject({ value: 'v' });
  expect(given?.aborted).toBe(false);
  // It is still being stored: whoever boards it now has the value.
  expect(await outcomeFor(flight, {})).toMatchObject({ kind: 'value', value: 'v' });
});
