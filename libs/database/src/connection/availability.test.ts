import { Availability, type StateChange } from './availability.js';

describe('Availability', () => {
  let isThere: boolean;
  let probes: number;
  let availability: Availability;
  let changes: StateChange[];

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    isThere = true;
    probes = 0;
    changes = [];
    availability = new Availability({
      probeEveryMs: 500,
      probe: () => {
        probes += 1;
        return isThere ? Promise.resolve() : Promise.reject(new Error('connect ECONNREFUSED'));
      },
    });
    availability.onChange((change) => changes.push(change));
  });

  afterEach(() => {
    availability.stop();
    jest.useRealTimers();
  });

  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  it('stays connected after a suspicion that a probe does not confirm', async () => {
    availability.suspect();
    await pass(10_000);
    expect({ state: availability.state, probes, changes }).toEqual({ state: 'connected', probes: 1, changes: [] });
    expect(() => availability.assertConnected()).not.toThrow();
  });

  it('makes one probe for any number of suspicions at once', async () => {
    for (let count = 0; count < 100; count += 1) availability.suspect();
    await pass(1);
    expect(probes).toBe(1);
  });

  it('opens when a probe fails, looks for the return, and closes when one succeeds', async () => {
    isThere = false;
    availability.suspect();
    await pass(1);
    expect(availability.state).toBe('disconnected');
    expect(() => availability.assertConnected()).toThrow(
      expect.objectContaining({ code: 'database_unavailable', reason: 'disconnected', retryAfterSeconds: 1 }),
    );
    await pass(2000);
    expect(probes).toBe(5);
    isThere = true;
    await pass(500);
    expect(availability.state).toBe('connected');
    expect(changes).toEqual([
      { state: 'disconnected', reason: 'connect ECONNREFUSED', afterMs: expect.any(Number) },
      { state: 'connected', reason: null, afterMs: expect.any(Number) },
    ]);
    await pass(5000);
    expect(probes).toBe(6);
  });

  it('asks callers for more patience the longer the outage lasts, within a bound', async () => {
    isThere = false;
    availability.suspect();
    await pass(20_000);
    expect(availability.refusal().retryAfterSeconds).toBe(5);
    await pass(600_000);
    expect(availability.refusal().retryAfterSeconds).toBe(30);
  });

  it('does nothing more once it is stopped', async () => {
    isThere = false;
    availability.suspect();
    await pass(1);
    availability.stop();
    await pass(5000);
    expect(probes).toBe(1);
  });

  it('forgets a listener that no longer wants to hear', async () => {
    const heard: StateChange[] = [];
    availability.onChange((change) => heard.push(change))();
    isThere = false;
    availability.suspect();
    await pass(1);
    expect(heard).toEqual([]);
  });
});
