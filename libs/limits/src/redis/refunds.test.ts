import { Refunds } from './refunds.js';
import type { Receipt, SharedCounters } from './shared-counters.js';

const receipt: Receipt = { key: 'limit_receipt:{a}:1', counters: ['rate:{a}:x:1'] };

describe('what is given back', () => {
  let lost = 0;
  let outcomes: ('done' | 'away')[];
  let asked: string[];
  let refunds: Refunds;

  beforeEach(() => {
    jest.useFakeTimers();
    lost = 0;
    asked = [];
    outcomes = [];
    const counters = {
      link: { untilScriptsExpire: async () => void asked.push('waited') },
      giveBack: async ({ key }: Receipt) => {
        asked.push(key);
        if (outcomes.shift() === 'away') throw new Error('away');
      },
    } as unknown as SharedCounters;
    refunds = new Refunds(counters, { refundLost: () => (lost += 1) });
  });

  afterEach(() => jest.useRealTimers());

  it('is tried until it is done', async () => {
    outcomes = ['away', 'away', 'done'];
    refunds.giveBack(receipt, false);
    await jest.advanceTimersByTimeAsync(10_000);
    await refunds.settled();
    expect([asked, lost]).toEqual([[receipt.key, receipt.key, receipt.key], 0]);
  });

  it('is not asked for while it may be taken yet', async () => {
    refunds.giveBack(receipt, true);
    await refunds.settled();
    expect(asked).toEqual(['waited', receipt.key]);
  });

  it('is lost when its receipt has ended, and told', async () => {
    outcomes = Array.from({ length: 1000 }, () => 'away');
    refunds.giveBack(receipt, false);
    await jest.advanceTimersByTimeAsync(70_000);
    await refunds.settled();
    expect(lost).toBe(1);
    expect(asked.length).toBeLessThan(100);
  });

  it('ends when the process does, and is so much at most', async () => {
    outcomes = Array.from({ length: 2000 }, () => 'away');
    for (let at = 0; at < 1001; at += 1) refunds.giveBack(receipt, false);
    expect(lost).toBe(1);
    await jest.advanceTimersByTimeAsync(0);
    refunds.close();
    await refunds.settled();
    expect(lost).toBe(1001);
  });
});
