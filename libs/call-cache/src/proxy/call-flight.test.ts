import { CALLED_OFF_AFTER_MS, CallFlight, DESERTED } from './call-flight.js';

describe('a load that callers wait for', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const caller = (flight: CallFlight): AbortController => {
    const left = new AbortController();
    flight.board(left.signal);
    return left;
  };

  it('loses its turn when the last of them leaves, and is called off when nobody comes back', () => {
    const flight = new CallFlight();
    const [one, two] = [caller(flight), caller(flight)];
    one.abort();
    expect(flight.unwanted.aborted).toBe(false);
    two.abort();
    expect(flight.unwanted.reason).toBe(DESERTED);
    jest.advanceTimersByTime(CALLED_OFF_AFTER_MS - 1);
    expect(flight.calledOff.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(flight.calledOff.reason).toBe(DESERTED);
  });

  it('goes on for who comes in time', () => {
    const flight = new CallFlight();
    caller(flight).abort();
    jest.advanceTimersByTime(CALLED_OFF_AFTER_MS - 1);
    const back = caller(flight);
    jest.advanceTimersByTime(2 * CALLED_OFF_AFTER_MS);
    expect(flight.calledOff.aborted).toBe(false);
    back.abort();
    jest.advanceTimersByTime(CALLED_OFF_AFTER_MS);
    expect(flight.calledOff.aborted).toBe(true);
  });

  it('that has ended is not called off', () => {
    const flight = new CallFlight();
    const one = caller(flight);
    flight.end({ kind: 'alone' });
    one.abort();
    jest.advanceTimersByTime(CALLED_OFF_AFTER_MS);
    expect([flight.unwanted.aborted, flight.calledOff.aborted]).toEqual([false, false]);
  });

  it('begun for a caller who has left already is wanted by nobody', () => {
    const flight = new CallFlight();
    flight.board(AbortSignal.abort());
    expect(flight.unwanted.aborted).toBe(true);
  });
});
