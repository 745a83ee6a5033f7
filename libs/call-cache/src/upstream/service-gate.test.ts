import type { Service } from '../services/service.js';
import { ServiceGate } from './service-gate.js';

const serviceOf = (concurrency: number, calls: number | null = null): Service =>
  ({ name: 'crm', concurrency, rateLimit: calls === null ? null : { calls, windowSeconds: 10 } }) as unknown as Service;

describe('the gate of a service', () => {
  it('lets so many in at a time; the next when one has left, and leaving twice counts once', async () => {
    const gate = new ServiceGate();
    const one = serviceOf(1);
    const leave = await gate.enter(one);
    let in2 = false;
    const second = gate.enter(one).then((left) => {
      in2 = true;
      return left;
    });
    await Promise.resolve();
    expect(in2).toBe(false);
    leave();
    leave();
    const leave2 = await second;
    let in3 = false;
    void gate.enter(one).then(() => (in3 = true));
    await Promise.resolve();
    expect(in3).toBe(false);
    leave2();
  });

  it('lets a window’s calls in at once, then evenly, and says how long to wait', async () => {
    let now = 0;
    const gate = new ServiceGate({ now: () => now });
    const two = serviceOf(100, 2);
    await gate.enter(two);
    await gate.enter(two);
    await expect(gate.enter(two)).rejects.toMatchObject({
      code: 'too_many_requests',
      options: { retryAfterSeconds: 5 },
    });
    now = 4999;
    await expect(gate.enter(two)).rejects.toMatchObject({ code: 'too_many_requests' });
    now = 5000;
    await gate.enter(two);
    await expect(gate.enter(two)).rejects.toMatchObject({ code: 'too_many_requests' });
  });
});
