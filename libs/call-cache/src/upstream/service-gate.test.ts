import type { Service } from '../services/service.js';
import { ServiceGate } from './service-gate.js';

const serviceOf = (concurrency: number): Service => ({ name: 'crm', concurrency }) as unknown as Service;

const STAYS = new AbortController().signal;

describe('the gate of a service', () => {
  it('lets so many in at a time; the next when one has left, and leaving twice counts once', async () => {
    const gate = new ServiceGate();
    const one = serviceOf(1);
    const leave = await gate.enter(one, STAYS);
    let in2 = false;
    const second = gate.enter(one, STAYS).then((left) => {
      in2 = true;
      return left;
    });
    await Promise.resolve();
    expect(in2).toBe(false);
    leave();
    leave();
    const leave2 = await second;
    let in3 = false;
    void gate.enter(one, STAYS).then(() => (in3 = true));
    await Promise.resolve();
    expect(in3).toBe(false);
    leave2();
  });

  it('under a limit that was narrowed lets nobody in until so many have left', async () => {
    const gate = new ServiceGate();
    const leaves = await Promise.all([1, 2, 3].map(() => gate.enter(serviceOf(3), STAYS)));
    let inside = 3;
    const entered = Array.from({ length: 2 }, async () => {
      const leave = await gate.enter(serviceOf(1), STAYS);
      inside += 1;
      return leave;
    });
    const left = async (leave: (() => void) | undefined): Promise<number> => {
      inside -= 1;
      leave?.();
      await settled();
      return inside;
    };
    expect(await left(leaves[0])).toBe(2);
    expect(await left(leaves[1])).toBe(1);
    expect(await left(leaves[2])).toBe(1);
    expect(await left(await entered[0])).toBe(1);
  });

  it('under a limit that was widened lets those in who waited', async () => {
    const gate = new ServiceGate();
    const leave = await gate.enter(serviceOf(1), STAYS);
    const order: string[] = [];
    const waited = gate.enter(serviceOf(1), STAYS).then(() => order.push('waited'));
    const came = gate.enter(serviceOf(2), STAYS).then(() => order.push('came'));
    await waited;
    expect(order).toEqual(['waited']);
    leave();
    await came;
  });

  it('keeps no place for who has left', async () => {
    const gate = new ServiceGate();
    const one = serviceOf(1);
    const leave = await gate.enter(one, STAYS);
    const leaving = new AbortController();
    const gone = new Error('gone');
    // As many as may wait: whoever comes behind them is refused while they are there.
    const queue = Array.from({ length: 1000 }, () => gate.enter(one, leaving.signal));
    await expect(gate.enter(one, STAYS)).rejects.toMatchObject({ code: 'service_unavailable' });
    leaving.abort(gone);
    await Promise.all(queue.map((waiting) => expect(waiting).rejects.toBe(gone)));
    const next = gate.enter(one, STAYS);
    leave();
    (await next)();
    await expect(gate.enter(one, leaving.signal)).rejects.toBe(gone);
    (await gate.enter(one, STAYS))();
  });
});

/** After all that was promised before. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
